import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { askCredentialHelper } from "../../src/registry/credential-helper.js";
import { createCredentialLookup } from "../../src/registry/credentials.js";
import { noAbort } from "../support/registry-client.js";

const bin = mkdtempSync(path.join(tmpdir(), "pullrun-helpers-"));
afterAll(() => rmSync(bin, { recursive: true }));
beforeEach(() => {
  vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
});

function install(name: string, script: string): void {
  const file = path.join(bin, `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

function ask(name: string, server = "h.example"): ReturnType<typeof askCredentialHelper> {
  return askCredentialHelper(name, server, { signal: noAbort });
}

describe("a credential helper", () => {
  test("gets the server on standard input and answers on standard output, with nothing in its arguments", async () => {
    install(
      "echo",
      String.raw`read server; printf '{"ServerURL":"%s","Username":"%s %s","Secret":"pw"}' "$server" "$server" "$*"`,
    );
    expect(await ask("echo")).toMatchObject({ kind: "password", username: "h.example get", password: "pw" });
  });

  test("may answer with an identity token", async () => {
    install("token", `echo '{"Username":"<token>","Secret":"refresh"}'`);
    expect(await ask("token")).toEqual({
      kind: "identity-token",
      token: "refresh",
      source: "docker-credential-token",
    });
  });

  test("may have nothing for this registry", async () => {
    install("empty", 'echo "credentials not found in native keychain"; exit 1');
    expect(await ask("empty")).toBeUndefined();
  });

  test.each([
    ["is not installed", "absent", "", /docker-credential-absent: not installed/],
    ["fails", "fails", "echo keychain locked; exit 1", /exit status 1/],
    ["prints no JSON", "text", "echo hello", /not the expected JSON/],
    ["prints other JSON", "other", `echo '{"user":"a"}'`, /not the expected JSON/],
    ["prints without end", "endless", "yes", /killed/],
  ])("that %s is an error naming it", async (_, name, script, message) => {
    if (script !== "") install(name, script);
    const asked = ask(name);
    await expect(asked).rejects.toMatchObject({ code: "CREDENTIAL_HELPER" });
    await expect(asked).rejects.toThrow(message);
  });

  test("that hangs, with a child of its own, is killed after the timeout", async () => {
    install("hangs", "sleep 5; true");
    const asked = askCredentialHelper("hangs", "h.example", { signal: noAbort, timeoutMs: 50 });
    await expect(asked).rejects.toThrow(/no answer in 0.05 s/);
  });

  test("is ended by an interruption", async () => {
    install("slow", "sleep 5; true");
    const asked = askCredentialHelper("slow", "h.example", { signal: AbortSignal.timeout(20) });
    await expect(asked).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  test.each(["../../tmp/evil", "/bin/sh", "a b", "-rf", "", "x\0y"])("cannot be named %j", async (name) => {
    await expect(ask(name)).rejects.toThrow(/not a helper name/);
  });
});

describe("looking credentials up", () => {
  const auth = Buffer.from("alice:pw").toString("base64");
  const plain = { path: "/plain.json", text: JSON.stringify({ auths: { "h.example": { auth } } }) };

  test("asks the helper under docker's name for Docker Hub", async () => {
    const asked: string[] = [];
    const lookup = createCredentialLookup(
      [{ path: "/c.json", text: '{"credsStore":"s"}' }],
      (helper, server) => {
        asked.push(`${helper} ${server}`);
        return Promise.resolve(undefined);
      },
    );
    expect(await lookup("docker.io", noAbort)).toBeUndefined();
    expect(await lookup("h.example:5000", noAbort)).toBeUndefined();
    expect(asked).toEqual(["s https://index.docker.io/v1/", "s h.example:5000"]);
  });

  test("goes on to the file itself, and to the next file, where a helper has nothing", async () => {
    const none = (): Promise<undefined> => Promise.resolve(undefined);
    const both = {
      path: "/both.json",
      text: JSON.stringify({ credsStore: "s", auths: { "h.example": { auth } } }),
    };
    expect(await createCredentialLookup([both], none)("h.example", noAbort)).toMatchObject({
      username: "alice",
    });
    const first = { path: "/first.json", text: '{"credsStore":"s"}' };
    expect(await createCredentialLookup([first, plain], none)("h.example", noAbort)).toMatchObject({
      source: "/plain.json (h.example)",
    });
  });

  test("finds nothing without files", async () => {
    expect(await createCredentialLookup([])("h.example", noAbort)).toBeUndefined();
  });
});
