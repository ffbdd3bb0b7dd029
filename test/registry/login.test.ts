import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { noNetworkFiles } from "../../src/registry/endpoints.js";
import { checkLogin, type LoginCheck } from "../../src/registry/login.js";
import { eraseLogin, storeLogin } from "../../src/registry/login-store.js";
import { networkFiles } from "../support/network-files.js";
import { memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { isRoot } from "../support/tools.js";
import { noAbort } from "../support/registry-client.js";

const content = memoryContent();
const password = "s3cret";

describe("checking a login", () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await startTestRegistry({ content, auth: { username: "alice", password } });
  });
  afterEach(() => registry.close());

  function check(username: string, options: Partial<LoginCheck> = {}): Promise<boolean> {
    return checkLogin({
      registry: registry.host,
      credentials: { kind: "password", username, password, source: "this login" },
      userAgent: "test",
      network: noNetworkFiles,
      insecure: false,
      signal: noAbort,
      timing: { retryBaseMs: 1 },
      ...options,
    });
  }

  test("asks for a token with no scope and shows it to the registry", async () => {
    expect(await check("alice")).toBe(true);
    expect(registry.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /v2/",
      "GET /v2/",
      "GET /token?service=pullrun&account=alice",
      "GET /v2/",
    ]);
    const shown = registry.requests.map(({ headers }) => headers.authorization?.split(" ")[0]);
    expect(shown).toEqual([undefined, undefined, "Basic", "Bearer"]);
  });

  test("refuses a wrong one without telling the password", async () => {
    const failure = check("mallory");
    await expect(failure).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    await expect(failure).rejects.not.toThrow(new RegExp(`${password}|${btoa(`mallory:${password}`)}`));
  });

  test.each([
    [true, (sent: string | undefined) => sent === `Basic ${btoa(`alice:${password}`)}`],
    [false, () => false],
  ])("by Basic is accepted or refused by the registry: %s", async (isRight, accepts) => {
    const headers = { "www-authenticate": "Basic realm=x" };
    registry.script([
      {
        on: /./,
        trouble: { kind: "reply", status: 401, headers },
        occurrences: isRight ? [1, 2] : [1, 2, 3],
      },
    ]);
    const checked = check("alice");
    if (isRight) {
      // The registry itself wants a token after Basic has passed: 401 again, with Bearer.
      expect(await checked).toBe(true);
    } else await expect(checked).rejects.toThrow(/user name or password refused \(401\)/);
    expect(registry.requests.some(({ headers: { authorization } }) => accepts(authorization))).toBe(isRight);
  });

  test("is not certain where none was asked for", async () => {
    await registry.close();
    registry = await startTestRegistry({ content });
    expect(await check("alice")).toBe(false);
  });

  test("goes to the registry itself, never to its mirror", async () => {
    const mirror = await startTestRegistry({ content, auth: {} });
    const network = networkFiles({ [`certs.d/${registry.host}/hosts.toml`]: `[host."${mirror.url}"]\n` });
    expect(await check("alice", { network })).toBe(true);
    expect(mirror.requests).toEqual([]);
    await mirror.close();
  });

  test("of a host that is out of order is no verdict on the password", async () => {
    registry.script([{ on: /./, trouble: { kind: "reply", status: 503 } }]);
    await expect(check("alice")).rejects.toMatchObject({ code: "UPSTREAM" });
  });
});

describe("storing a login", () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "pullrun-login-"));
    file = path.join(dir, "docker/config.json");
    mkdirSync(path.dirname(file));
    vi.stubEnv("PATH", `${dir}:/usr/bin:/bin`);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const alice = { username: "alice", password };
  const auth = btoa(`alice:${password}`);
  const store = (registry: string) => storeLogin({ file, registry, signal: noAbort }, alice);
  const erase = (registry: string) => eraseLogin({ file, registry, signal: noAbort });
  const stored = (): unknown => JSON.parse(readFileSync(file, "utf8"));

  function existing(config: object): void {
    writeFileSync(file, JSON.stringify(config));
  }

  test("makes docker's config.json, for the user alone", async () => {
    expect(await store("ghcr.io")).toBe(file);
    expect(stored()).toEqual({ auths: { "ghcr.io": { auth } } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("calls Docker Hub what docker calls it", async () => {
    await store("docker.io");
    expect(stored()).toEqual({ auths: { "https://index.docker.io/v1/": { auth } } });
  });

  test("keeps what else the file says, and only its own spelling of the registry", async () => {
    const others = { HttpHeaders: { a: "b" }, plugins: { x: { y: 1 } }, proxies: null };
    const kept = { "other.example": { auth: "b:c" }, "ghcr.io/team": { auth: "x" } };
    existing({ ...others, auths: { ...kept, "https://GHCR.io/v2/": { auth: "old" } } });
    await store("ghcr.io");
    expect(stored()).toEqual({ ...others, auths: { ...kept, "ghcr.io": { auth } } });
    expect(readdirSync(path.dirname(file))).toEqual(["config.json"]);
  });

  test("closes a file that others could read", async () => {
    existing({});
    chmodSync(file, 0o644);
    await store("ghcr.io");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test.skipIf(!isRoot)(`${isRoot ? "" : "needs root: "}leaves the file to its owner under sudo`, async () => {
    existing({});
    chownSync(file, 1234, 1234);
    await store("ghcr.io");
    expect([statSync(file).uid, statSync(file).gid, statSync(file).mode & 0o777]).toEqual([
      1234, 1234, 0o600,
    ]);
  });

  test("follows a symlink instead of replacing it", async () => {
    const real = path.join(dir, "dotfiles.json");
    writeFileSync(real, "{}");
    symlinkSync(real, file);
    await store("ghcr.io");
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(real, "utf8"))).toEqual({ auths: { "ghcr.io": { auth } } });
  });

  test.each(["{ secret", "[]", '{"auths":"secret"}'])(
    "does not touch a file it cannot read: %s",
    async (text) => {
      writeFileSync(file, text);
      const failure = store("ghcr.io");
      await expect(failure).rejects.toMatchObject({ code: "BAD_AUTH_FILE" });
      await expect(failure).rejects.not.toThrow(/secret/);
      expect(readFileSync(file, "utf8")).toBe(text);
    },
  );

  test("forgets all spellings of a registry, and no other", async () => {
    existing({ auths: { "ghcr.io": { auth }, "http://ghcr.io/": { auth }, "ghcr.io.example": { auth } } });
    expect(await erase("ghcr.io")).toBe(true);
    expect(stored()).toEqual({ auths: { "ghcr.io.example": { auth } } });
    expect(await erase("ghcr.io")).toBe(false);
  });

  test("has nothing to forget without a file, and makes none", async () => {
    expect(await erase("ghcr.io")).toBe(false);
    expect(readdirSync(path.dirname(file))).toEqual([]);
  });

  describe("with a credential helper", () => {
    /** Keeps what it is told in files, and its arguments, to show that nothing secret is among them. */
    function install(name: string): void {
      const helper = path.join(dir, `docker-credential-${name}`);
      const script = `echo "$*" >> ${dir}/args; case $1 in store) cat > ${dir}/kept;; erase) cat > ${dir}/erased; rm ${dir}/kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; };; esac`;
      writeFileSync(helper, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    const said = (name: string): string => readFileSync(path.join(dir, name), "utf8");

    test.each([
      ["credsStore", { credsStore: "vault" }],
      ["credHelpers", { credHelpers: { "https://index.docker.io/v1/": "vault" } }],
    ])("of %s gives it the login on standard input and leaves none in the file", async (_, config) => {
      install("vault");
      existing(config);
      expect(await store("docker.io")).toBe("docker-credential-vault");
      const server = "https://index.docker.io/v1/";
      expect(JSON.parse(said("kept"))).toEqual({ ServerURL: server, Username: "alice", Secret: password });
      expect(stored()).toEqual({ ...config, auths: { [server]: {} } });
      expect(await erase("docker.io")).toBe(true);
      expect(said("erased")).toBe(`${server}\n`);
      expect(stored()).toEqual({ ...config, auths: {} });
      expect(await erase("docker.io")).toBe(false);
      expect(said("args")).toBe("store\nerase\nerase\n");
    });

    test("that is not there stores nothing anywhere", async () => {
      existing({ credsStore: "absent" });
      await expect(store("ghcr.io")).rejects.toMatchObject({ code: "CREDENTIAL_HELPER" });
      expect(stored()).toEqual({ credsStore: "absent" });
    });
  });
});
