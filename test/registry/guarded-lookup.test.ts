import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { guardedLookup } from "../../src/registry/guarded-lookup.js";
import { reachOf } from "../../src/registry/hosts.js";
import { addImage, memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { collect, noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

type Names = Readonly<Record<string, readonly string[]>>;

/** A name server with these names only. */
function nameServer(names: Names): LookupFunction & { readonly asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    asked.push(hostname);
    const found = (names[hostname] ?? []).map((address) => ({
      address,
      family: address.includes(":") ? 6 : 4,
    }));
    const [first] = found;
    setImmediate(() => {
      if (first === undefined)
        callback(Object.assign(new Error(`no ${hostname}`), { code: "ENOTFOUND" }), "", 0);
      else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
  return Object.assign(lookup, { asked });
}

function resolve(lookup: LookupFunction, hostname: string, all = true): Promise<string[]> {
  return new Promise((done, fail) => {
    lookup(hostname, { all }, (error, found: string | LookupAddress[]) => {
      if (error === null) done(typeof found === "string" ? [found] : found.map(({ address }) => address));
      else fail(error);
    });
  });
}

test.each([
  ["127.0.0.1", "loopback"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["10.1.2.3", "private"],
  ["100.64.0.1", "private"],
  ["fd00::1", "private"],
  ["169.254.169.254", "link"],
  ["100.100.100.200", "link"],
  ["fe80::1", "link"],
  ["fd00:ec2::254", "link"],
  ["0.0.0.0", "link"],
  ["8.8.8.8", "public"],
  ["2606:4700::1", "public"],
  ["64:ff9b::808:808", "public"],
  ["64:ff9b::a00:1", "private"],
  ["64:ff9b::1", "link"],
  ["64:ff9b::7f00:1", "loopback"],
])("%s is a %s address", (address, reach) => {
  expect(reachOf(address)).toBe(reach);
});

describe("a name that a registry sends us to", () => {
  const names: Names = {
    "public.example": ["198.51.100.7"],
    "corp.example": ["10.0.0.5"],
    "here.example": ["127.0.0.1"],
    "cdn.example": ["198.51.100.9", "2606:4700::9"],
    "storage.corp.example": ["10.9.9.9"],
    "rebound.example": ["198.51.100.10", "192.168.0.1"],
    "mapped.example": ["::ffff:192.168.0.1"],
    "metadata.example": ["169.254.169.254"],
  };

  test.each([
    ["public.example", "cdn.example"],
    ["corp.example", "cdn.example"],
    ["corp.example", "storage.corp.example"],
    ["10.0.0.7", "storage.corp.example"],
    ["[fd00::7]", "storage.corp.example"],
    ["here.example", "here.example"],
    ["127.0.0.1", "here.example"],
  ])("may be reached: from %s to %s", async (home, target) => {
    const lookup = guardedLookup(home, nameServer(names));
    expect(await resolve(lookup, target)).toEqual(names[target]);
    expect(await resolve(lookup, target, false)).toEqual(names[target]?.slice(0, 1));
  });

  test.each([
    ["public.example", "storage.corp.example", "10.9.9.9"],
    ["public.example", "here.example", "127.0.0.1"],
    ["public.example", "rebound.example", "192.168.0.1"],
    ["public.example", "mapped.example", "::ffff:192.168.0.1"],
    ["public.example", "metadata.example", "169.254.169.254"],
    ["corp.example", "metadata.example", "169.254.169.254"],
    ["corp.example", "here.example", "127.0.0.1"],
    ["here.example", "storage.corp.example", "10.9.9.9"],
    ["gone.example", "storage.corp.example", "10.9.9.9"],
    ["8.8.8.8", "storage.corp.example", "10.9.9.9"],
  ])("R14-R16: is refused: from %s to %s, at %s", async (home, target, address) => {
    const attempt = resolve(guardedLookup(home, nameServer(names)), target);
    await expect(attempt).rejects.toMatchObject({
      code: "REDIRECT_REFUSED",
      message: `request to ${target}: its address is ${address}, in the local network`,
    });
  });

  test("that there is not fails as it would without us", async () => {
    const attempt = resolve(guardedLookup("public.example", nameServer(names)), "gone.example");
    await expect(attempt).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  test("the registry's own name is looked up only where the answer depends on it, and once", async () => {
    const server = nameServer(names);
    const lookup = guardedLookup("corp.example", server);
    await resolve(lookup, "cdn.example");
    expect(server.asked).toEqual(["cdn.example"]);
    await resolve(lookup, "storage.corp.example");
    await resolve(lookup, "storage.corp.example");
    expect(server.asked.filter((name) => name === "corp.example")).toHaveLength(1);
  });
});

describe("at the time of connecting", () => {
  const content = memoryContent();
  const layer = patternBytes(100_000);
  const image = addImage(content, {
    repository: "team/app",
    tag: "v1",
    layers: [layer],
    compression: "none",
  });
  const blob = image.layers[0]!;

  const open: TestRegistry[] = [];
  afterEach(async () => {
    for (const registry of open.splice(0)) await registry.close();
  });

  async function start(auth?: object): Promise<TestRegistry & { readonly port: string }> {
    const registry = await startTestRegistry({ content, ...(auth ? { auth } : {}) });
    open.push(registry);
    return Object.assign(registry, { port: new URL(registry.url).port });
  }

  /** The layer of `registry.example`, which like all names here is this machine; other names as given. */
  async function readFrom(port: string, names: Names, proxy?: string): Promise<Buffer> {
    const lookup = nameServer({ "registry.example": ["127.0.0.1"], ...names });
    const source = openTestRepository(`registry.example:${port}/team/app:v1`, {
      insecure: true,
      lookup,
      ...(proxy === undefined ? {} : { proxyEnv: { http_proxy: proxy, no_proxy: "registry.example" } }),
    });
    try {
      return await collect(await source.read(blob, { offset: 0, signal: noAbort }));
    } finally {
      source.close();
    }
  }

  test("R15: a redirect to a name in the local network is refused, one to where the registry is followed", async () => {
    const registry = await start();
    const cdn = await start();
    const path = `/v2/team/app/blobs/${blob.digest}`;
    const to = `http://cdn.example:${cdn.port}${path}`;
    registry.script([{ on: /blobs/, trouble: { kind: "redirect", to } }]);
    const inside = readFrom(registry.port, { "cdn.example": ["10.0.0.8"] });
    await expect(inside).rejects.toMatchObject({ code: "REDIRECT_REFUSED" });
    const metadata = readFrom(registry.port, { "cdn.example": ["169.254.169.254"] });
    await expect(metadata).rejects.toThrow(/cdn\.example: its address is 169\.254\.169\.254/);
    expect(registry.requests.filter(({ url }) => url === path)).toHaveLength(2);
    expect(cdn.requests).toEqual([]);
    expect(layer.equals(await readFrom(registry.port, { "cdn.example": ["127.0.0.1"] }))).toBe(true);
    expect(cdn.requests).toHaveLength(1);
  });

  test("R14: a token server whose name leads into the local network gets no request", async () => {
    const registry = await start();
    const realm = `Bearer realm="http://auth.example:${registry.port}/token",service="x"`;
    registry.script([
      { on: /blobs/, trouble: { kind: "reply", status: 401, headers: { "www-authenticate": realm } } },
    ]);
    const attempt = readFrom(registry.port, { "auth.example": ["192.168.7.7"] });
    await expect(attempt).rejects.toThrow(/request to auth\.example: its address is 192\.168\.7\.7/);
    expect(registry.lines().filter((line) => line.includes("/token"))).toEqual([]);
  });

  test("what goes through a proxy is the proxy's to look up", async () => {
    const registry = await start();
    const proxy = await start();
    const to = `http://storage.corp.example/v2/team/app/blobs/${blob.digest}`;
    registry.script([{ on: /blobs/, trouble: { kind: "redirect", to } }]);
    proxy.script([{ on: /storage/, trouble: { kind: "reply", status: 200, body: layer } }]);
    const read = await readFrom(registry.port, { "storage.corp.example": ["10.9.9.9"] }, proxy.url);
    expect(layer.equals(read)).toBe(true);
    expect(proxy.lines()).toEqual([`GET ${to}`]);
  });
});
