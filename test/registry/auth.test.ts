import { afterEach, describe, expect, test } from "vitest";
import type { Credentials } from "../../src/registry/credentials.js";
import { checkRealm } from "../../src/registry/token.js";
import {
  addImage,
  memoryContent,
  startTestRegistry,
  type Fault,
  type TestRegistry,
} from "../support/registry.js";
import { collect, noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const layers = Array.from({ length: 6 }, (_, i) => patternBytes(10_000 + i));
const image = addImage(content, { repository: "team/app", tag: "v1", layers, compression: "none" });
const scope = "repository:team/app:pull";
const alice: Credentials = {
  kind: "password",
  username: "alice",
  password: "s3cret",
  source: "/c.json (test)",
};
const identity: Credentials = { kind: "identity-token", token: "refresh-me", source: "/c.json (test)" };

let registry: TestRegistry | undefined;
afterEach(() => registry?.close());

interface Setup {
  readonly auth?: object;
  readonly faults?: readonly Fault[];
  readonly credentials?: Credentials;
}

async function start(setup: Setup = {}) {
  registry = await startTestRegistry({ content, auth: setup.auth ?? {}, faults: setup.faults ?? [] });
  const source = openTestRepository(`${registry.host}/team/app:v1`, {
    credentials: () => Promise.resolve(setup.credentials),
  });
  return { registry, source };
}

function tokens(from: TestRegistry): number {
  return from.requests.filter(({ url }) => url.startsWith("/token")).length;
}

function bearerChallenge(realm: string, extra = ""): Fault["trouble"] {
  const challenge = `Bearer realm="${realm}",service="pullrun",scope="${scope}"${extra}`;
  return { kind: "reply", status: 401, headers: { "www-authenticate": challenge } };
}

describe("token authentication", () => {
  test("gets an anonymous token when first asked and uses it from then on", async () => {
    const { registry, source } = await start();
    expect(await source.resolve(noAbort)).toEqual(image.top);
    await source.document(image.top, noAbort);
    expect(registry.lines()).toEqual([
      "GET /v2/",
      "HEAD /v2/team/app/manifests/v1",
      "GET /token",
      "HEAD /v2/team/app/manifests/v1",
      `GET /v2/team/app/manifests/${image.top.digest}`,
    ]);
    const tokenRequest = registry.requests[2];
    expect(tokenRequest?.url).toBe(`/token?service=pullrun&scope=${encodeURIComponent(scope)}`);
    expect(tokenRequest?.headers.authorization).toBeUndefined();
    source.close();
  });

  test("shows user name and password to the token server only", async () => {
    const { registry, source } = await start({
      auth: { username: "alice", password: "s3cret" },
      credentials: alice,
    });
    await source.resolve(noAbort);
    const basic = registry.requests.filter(({ headers }) => headers.authorization?.startsWith("Basic"));
    expect(basic.map(({ url }) => url.split("?")[0])).toEqual(["/token"]);
    expect(basic[0]?.headers.authorization).toBe(`Basic ${Buffer.from("alice:s3cret").toString("base64")}`);
    source.close();
  });

  test("that is refused names where the credentials came from, never the password", async () => {
    const { registry, source } = await start({
      auth: { username: "alice", password: "other" },
      credentials: alice,
    });
    const failure = source.resolve(noAbort);
    await expect(failure).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      hint: expect.stringContaining("/c.json") as unknown,
    });
    await expect(failure).rejects.not.toThrow(/s3cret/);
    expect(tokens(registry)).toBe(1);
    source.close();
  });

  test("R1: asks for one token for six blobs at once", async () => {
    const { registry, source } = await start();
    const reads = image.layers.map(async (layer) =>
      collect(await source.read(layer, { offset: 0, signal: noAbort })),
    );
    expect(await Promise.all(reads)).toEqual(layers);
    expect(tokens(registry)).toBe(1);
    source.close();
  });

  test("R1: asks which scheme and for which token once, for six first requests at once", async () => {
    const { registry, source } = await start();
    const reads = image.layers.map(async (layer) =>
      collect(await source.read(layer, { offset: 0, signal: noAbort })),
    );
    expect(await Promise.all(reads)).toEqual(layers);
    expect(registry.lines().filter((line) => line === "GET /v2/")).toHaveLength(1);
    expect(tokens(registry)).toBe(1);
    source.close();
  });

  test("R2: refreshes an expired token once, also for several requests at once", async () => {
    const { registry, source } = await start();
    await source.resolve(noAbort);
    const expired: Fault = {
      on: /^GET \/v2\/.*blobs/,
      occurrences: [1, 2, 3],
      trouble: bearerChallenge(`${registry.url}/token`),
    };
    registry.script([expired]);
    const reads = image.layers
      .slice(0, 3)
      .map(async (layer) => collect(await source.read(layer, { offset: 0, signal: noAbort })));
    expect(await Promise.all(reads)).toEqual(layers.slice(0, 3));
    expect(tokens(registry)).toBe(2);
    source.close();
  });

  test("R3: gives up on a registry that keeps saying 401, after two tokens", async () => {
    const { registry, source } = await start();
    await source.resolve(noAbort);
    registry.script([{ on: /^GET \/v2/, trouble: bearerChallenge(`${registry.url}/token`) }]);
    await expect(source.document(image.top, noAbort)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(tokens(registry)).toBe(2);
    source.close();
  });

  test("R5: asks again where the registry names a wider scope", async () => {
    const { registry, source } = await start();
    const narrow = bearerChallenge(`${registry.url}/token`);
    const wide = `Bearer realm="${registry.url}/token",service="pullrun",scope="${scope} repository:team/base:pull",error="insufficient_scope"`;
    registry.script([
      { on: /^HEAD/, occurrences: [1], trouble: narrow },
      {
        on: /^HEAD/,
        occurrences: [2],
        trouble: { kind: "reply", status: 401, headers: { "www-authenticate": wide } },
      },
    ]);
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(registry.requests.filter(({ url }) => url.startsWith("/token")).at(-1)?.url).toContain(
      "team%2Fbase",
    );
    source.close();
  });

  test("R5: ends a registry that names ever wider scopes", async () => {
    const { registry, source } = await start();
    const troubles = [1, 2, 3, 4].map((n): Fault => {
      const headers = {
        "www-authenticate": `Bearer realm="${registry.url}/token",scope="repository:a${n}:pull"`,
      };
      return { on: /^HEAD/, occurrences: [n], trouble: { kind: "reply", status: 401, headers } };
    });
    registry.script(troubles);
    await expect(source.resolve(noAbort)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(tokens(registry)).toBe(2);
    source.close();
  });

  test("R8: trades an identity token by POST", async () => {
    const body = JSON.stringify({ access_token: "granted", expires_in: 300 });
    const { registry, source } = await start({
      credentials: identity,
      faults: [
        { on: /^POST \/token/, trouble: { kind: "reply", status: 200, body } },
        { on: /^HEAD/, occurrences: [2], trouble: { kind: "reply", status: 404 } },
      ],
    });
    await expect(source.resolve(noAbort)).rejects.toMatchObject({ code: "MANIFEST_UNKNOWN" });
    expect(registry.lines().slice(2)).toEqual(["POST /token", "HEAD /v2/team/app/manifests/v1"]);
    expect(registry.requests.at(-1)?.headers.authorization).toBe("Bearer granted");
    source.close();
  });

  test("R8: falls back to GET where the token server has no POST", async () => {
    const { registry, source } = await start({ credentials: identity });
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(registry.lines().slice(2, 4)).toEqual(["POST /token", "GET /token"]);
    source.close();
  });

  test.each([
    ["HTML", "<html>login</html>"],
    ["an empty object", "{}"],
    ["a token that would break the header", JSON.stringify({ token: "a\r\nX-Evil: 1" })],
    ["a token of another type", JSON.stringify({ token: 5 })],
    ["nothing", ""],
  ])("R10: refuses a token answer that is %s", async (_, body) => {
    const { source } = await start({
      faults: [{ on: /token/, trouble: { kind: "reply", status: 200, body } }],
    });
    await expect(source.resolve(noAbort)).rejects.toThrow(/no token in the answer/);
    source.close();
  });

  test("R10: reads no more than 1 MiB of a token answer", async () => {
    const body = "x".repeat(3 * 1024 * 1024);
    const { source } = await start({
      faults: [{ on: /token/, trouble: { kind: "reply", status: 200, body } }],
    });
    await expect(source.resolve(noAbort)).rejects.toThrow(
      /body is more than 1048576 bytes|body is 3145728 bytes/,
    );
    source.close();
  });

  test("is interrupted at once though the token request hangs", async () => {
    const { source } = await start({ faults: [{ on: /token/, trouble: { kind: "stall", after: 0 } }] });
    await expect(source.resolve(AbortSignal.timeout(50))).rejects.toMatchObject({ code: "INTERRUPTED" });
    source.close();
  });
});

describe("other challenges", () => {
  const basicOnly: Fault["trouble"] = {
    kind: "reply",
    status: 401,
    headers: { "www-authenticate": 'Basic realm="r"' },
  };

  test("meets Basic with user name and password", async () => {
    registry = await startTestRegistry({
      content,
      faults: [{ on: /^HEAD/, occurrences: [1], trouble: basicOnly }],
    });
    const source = openTestRepository(`${registry.host}/team/app:v1`, {
      credentials: () => Promise.resolve(alice),
    });
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(registry.requests.at(-1)?.headers.authorization).toMatch(/^Basic /);
    source.close();
  });

  test("says that a login is needed where Basic is wanted and none is there", async () => {
    const { source } = await start({ faults: [{ on: /^HEAD/, trouble: basicOnly }] });
    await expect(source.resolve(noAbort)).rejects.toThrow(/needs a user name and a password/);
    source.close();
  });

  test("does not insist with Basic credentials that were refused", async () => {
    const { registry, source } = await start({
      credentials: alice,
      faults: [{ on: /^HEAD/, trouble: basicOnly }],
    });
    await expect(source.resolve(noAbort)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(registry.lines().filter((line) => line.startsWith("HEAD"))).toHaveLength(2);
    source.close();
  });

  test("R7: takes a 401 without a challenge for what it is", async () => {
    const { registry, source } = await start({
      faults: [{ on: /^HEAD/, trouble: { kind: "reply", status: 401 } }],
    });
    await expect(source.resolve(noAbort)).rejects.toThrow(/needs a login, or does not exist \(401\)/);
    expect(tokens(registry)).toBe(0);
    source.close();
  });
});

describe("the token server a registry may name", () => {
  const https = new URL("https://registry.example/v2/");
  test.each([
    ["plain http for an https registry", "http://auth.example/token", /plain http/],
    ["the metadata service", "https://169.254.169.254/token", /local network/],
    ["this machine", "https://127.0.0.1/token", /local network/],
    ["this machine by name", "https://localhost/token", /local network/],
    ["a private IPv6 address", "https://[fd00::1]/token", /local network/],
    ["a file", "file:///etc/passwd", /not http/],
    ["with user info", "https://user:pw@auth.example/token", /user info/],
    ["no URL", "auth.example", /not a URL/],
    ["none", undefined, /none/],
  ])("R9, R14: is refused before any credentials are sent: %s", (_, realm, message) => {
    expect(() => checkRealm(realm, https)).toThrow(message);
    expect(() => checkRealm(realm, https)).toThrow(expect.objectContaining({ code: "REDIRECT_REFUSED" }));
    expect(() => checkRealm(realm, https)).not.toThrow(/pw/);
  });

  test.each([
    ["https elsewhere", "https://auth.example/token", https],
    ["the registry itself", "https://registry.example/token", https],
    ["a private registry itself", "https://10.0.0.1/token", new URL("https://10.0.0.1:5000/v2/")],
    ["http for a plain http registry", "http://auth.example/token", new URL("http://registry.example/v2/")],
    ["another port of this machine", "http://127.0.0.1:5001/token", new URL("http://localhost:5000/v2/")],
  ])("R14: is taken: %s", (_, realm, registry) => {
    expect(checkRealm(realm, registry).href).toBe(realm);
  });
});
