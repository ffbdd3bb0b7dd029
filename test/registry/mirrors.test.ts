import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Warning } from "../../src/registry/connection.js";
import type { Credentials } from "../../src/registry/credentials.js";
import type { RepositoryOptions } from "../../src/registry/repository.js";
import { networkFiles } from "../support/network-files.js";
import {
  addImage,
  memoryContent,
  startTestRegistry,
  type Fault,
  type TestRegistry,
} from "../support/registry.js";
import { collect, noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const layer = patternBytes(3_000_000);
const image = addImage(content, { repository: "team/app", tag: "v1", layers: [layer], compression: "none" });
const [blob] = image.layers as [typeof image.config];

let upstream: TestRegistry;
let mirror: TestRegistry;
let warnings: Warning[];
beforeEach(async () => {
  upstream = await startTestRegistry({ content });
  mirror = await startTestRegistry({ content });
  warnings = [];
});
afterEach(async () => {
  await upstream.close();
  await mirror.close();
});

function hostsToml(text: string): ReturnType<typeof networkFiles> {
  return networkFiles({ [`certs.d/${upstream.host}/hosts.toml`]: text });
}

/** Resolves v1 at the upstream's name and reads everything, as a pull does: wrong bytes are asked for once more. */
async function pullWith(options: Partial<RepositoryOptions>): Promise<Buffer> {
  const source = openTestRepository(`${upstream.host}/team/app:v1`, {
    onWarning: (warning) => void warnings.push(warning),
    timing: { retryBaseMs: 1, stallMs: 200 },
    ...options,
  });
  try {
    const top = await source.resolve(noAbort);
    expect(await source.document(top, noAbort)).toHaveLength(image.top.size);
    await source.smallBlob(image.config, 1_000_000, noAbort);
    const read = async () => collect(await source.read(blob, { offset: 0, signal: noAbort }));
    const bytes = await read();
    return bytes.equals(layer) ? bytes : await read();
  } finally {
    source.close();
  }
}

const everything = [
  "HEAD /v2/team/app/manifests/v1",
  `GET /v2/team/app/manifests/${image.top.digest}`,
  `GET /v2/team/app/blobs/${image.config.digest}`,
  `GET /v2/team/app/blobs/${blob.digest}`,
];

describe("a mirror in hosts.toml", () => {
  test("is asked instead of the registry, and told which registry is meant", async () => {
    const network = hostsToml(`[host."${mirror.url}"]\n`);
    expect((await pullWith({ network })).equals(layer)).toBe(true);
    expect(mirror.lines()).toEqual(everything);
    expect(
      new Set(mirror.requests.map(({ url }) => new URL(url, mirror.url).searchParams.get("ns"))),
    ).toEqual(new Set([upstream.host]));
    expect(upstream.lines()).toEqual([]);
  });

  test.each<[string, Fault[]]>([
    ["has nothing", [{ on: /./, trouble: { kind: "reply", status: 404 } }]],
    ["fails with 500", [{ on: /./, trouble: { kind: "reply", status: 500 } }]],
    [
      "answers 429",
      [{ on: /./, trouble: { kind: "reply", status: 429, headers: { "retry-after": "3600" } } }],
    ],
    ["hangs up", [{ on: /GET/, trouble: { kind: "reset", after: 0 } }]],
    ["answers an error page", [{ on: /./, trouble: { kind: "reply", status: 200, body: "<html>" } }]],
    ["refuses us", [{ on: /./, trouble: { kind: "reply", status: 403 } }]],
    [
      "redirects to the metadata service",
      [{ on: /./, trouble: { kind: "redirect", to: "http://169.254.169.254/" } }],
    ],
    ["redirects for ever", [{ on: /./, trouble: { kind: "redirect", to: "/again" } }]],
    ["alters manifests", [{ on: /GET .*manifests/, trouble: { kind: "flip", at: 5 } }]],
    ["cuts manifests short", [{ on: /GET .*manifests/, trouble: { kind: "truncate", after: 5 } }]],
    ["alters configs", [{ on: /GET .*blobs/, trouble: { kind: "flip", at: 5 } }]],
    ["has no blobs", [{ on: /blobs/, trouble: { kind: "reply", status: 404 } }]],
    [
      "has blobs of another size",
      [{ on: /blobs/, trouble: { kind: "header", name: "content-length", value: "7" } }],
    ],
    [
      "stalls in the middle of a blob",
      [{ on: new RegExp(blob.digest), trouble: { kind: "stall", after: 100_000 } }],
    ],
    [
      "breaks off in the middle of a blob",
      [{ on: new RegExp(blob.digest), trouble: { kind: "reset", after: 1 } }],
    ],
  ])("R37: that %s is passed over", async (_, faults) => {
    mirror.script(faults);
    const bytes = await pullWith({ network: hostsToml(`[host."${mirror.url}"]\n`) });
    expect(bytes.equals(layer)).toBe(true);
    expect(mirror.requests.length).toBeGreaterThan(0);
    expect(upstream.requests.length).toBeGreaterThan(0);
  });

  test("R37: that is down is asked once, and the user is told once", async () => {
    const network = hostsToml(`[host."http://127.0.0.1:1"]\n`);
    expect((await pullWith({ network })).equals(layer)).toBe(true);
    expect(warnings).toEqual([
      {
        code: "mirror",
        message: "mirror 127.0.0.1:1: cannot reach 127.0.0.1:1: connection refused (ECONNREFUSED)",
      },
    ]);
  });

  test("R37: that never answers is given up after its dial_timeout", async () => {
    // TEST-NET-1 (RFC 5737): nobody is there, and most networks say nothing.
    const network = hostsToml(`[host."http://192.0.2.1"]\ndial_timeout = "50ms"\n`);
    expect((await pullWith({ network })).equals(layer)).toBe(true);
    expect(warnings).toMatchObject([
      { code: "mirror", message: expect.stringContaining("192.0.2.1") as unknown },
    ]);
  });

  test("R37: that gave wrong bytes for a layer is not asked for them again", async () => {
    mirror.script([{ on: new RegExp(blob.digest), trouble: { kind: "flip", at: 2_000_000 } }]);
    const source = openTestRepository(`${upstream.host}/team/app:v1`, {
      network: hostsToml(`[host."${mirror.url}"]\n`),
    });
    const first = await collect(await source.read(blob, { offset: 0, signal: noAbort }));
    const second = await collect(await source.read(blob, { offset: 0, signal: noAbort }));
    source.close();
    expect([first.equals(layer), second.equals(layer)]).toEqual([false, true]);
    expect(mirror.lines()).toHaveLength(1);
  });

  test("R37: that breaks off is followed by the registry from the byte reached, not from the start", async () => {
    mirror.script([{ on: new RegExp(blob.digest), trouble: { kind: "reset", after: 1_500_000 } }]);
    await pullWith({ network: hostsToml(`[host."${mirror.url}"]\n`) });
    const [rest] = upstream.requests.filter(({ url }) => url.includes(blob.digest));
    const at = Number(/^bytes=(\d+)-$/.exec(rest?.headers.range ?? "")?.[1]);
    expect(at).toBeGreaterThan(0);
    expect(rest?.bytes).toBe(layer.length - at);
  });

  test("with the capability pull only leaves tags to the registry", async () => {
    await pullWith({ network: hostsToml(`[host."${mirror.url}"]\ncapabilities = ["pull"]\n`) });
    expect(upstream.lines()).toEqual(["GET /v2/", everything[0]]);
    expect(mirror.lines()).toEqual(everything.slice(1));
  });

  test("comes after the one named before it", async () => {
    const second = await startTestRegistry({ content });
    mirror.script([{ on: /./, trouble: { kind: "reply", status: 404 } }]);
    const network = hostsToml(`[host."${mirror.url}"]\n[host."${second.url}"]\n`);
    await pullWith({ network });
    await second.close();
    expect(mirror.lines()).toEqual(everything);
    expect(second.lines()).toEqual(everything);
    expect(upstream.lines()).toEqual([]);
  });

  test("may have a path of its own, as it is or with /v2 after it, and headers that go nowhere else", async () => {
    mirror.script([
      {
        on: /HEAD \/cache\/hub\/team/,
        trouble: { kind: "redirect", to: `${upstream.url}/v2/team/app/manifests/v1` },
      },
    ]);
    const header = `override_path = true\n[host."${mirror.url}/cache/hub".header]\nX-Token = ["a", "b"]\n`;
    await pullWith({
      network: hostsToml(`[host."${mirror.url}/cache/hub"]\n${header}[host."${mirror.url}/proxy"]\n`),
    });
    const paths = mirror.lines().map((line) => line.split("/team/")[0]);
    expect(new Set(paths)).toEqual(new Set(["HEAD /cache/hub", "GET /cache/hub", "GET /proxy/v2"]));
    expect(mirror.requests[0]?.headers["x-token"]).toBe("a, b");
    expect(upstream.requests.map(({ headers }) => headers["x-token"])).not.toContain("a, b");
  });

  test("is found under _default and under the spelling without a colon", async () => {
    const host = upstream.host.replace(":", "_");
    const other = await startTestRegistry({ content });
    const network = networkFiles({
      "certs.d/_default/hosts.toml": `[host."${other.url}"]\n`,
      [`other/certs.d/${host}_/hosts.toml`]: `[host."${mirror.url}"]\n`,
    });
    await pullWith({ network });
    expect([mirror.requests.length, other.requests.length]).toEqual([4, 0]);
    await pullWith({ network: { ...network, certsDirs: network.certsDirs.slice(0, 1) } });
    await other.close();
    expect([mirror.requests.length, other.requests.length]).toEqual([4, 4]);
  });

  test("may be the registry itself under another address, named as the server", async () => {
    await pullWith({ network: hostsToml(`server = "${mirror.url}"\n`) });
    expect(mirror.lines()).toEqual(everything);
    expect(upstream.lines()).toEqual([]);
  });

  test("that failed is in the hint when the registry fails too", async () => {
    mirror.script([{ on: /./, trouble: { kind: "reply", status: 404 } }]);
    upstream.script([{ on: /manifests/, trouble: { kind: "reply", status: 404 } }]);
    await expect(pullWith({ network: hostsToml(`[host."${mirror.url}"]\n`) })).rejects.toMatchObject({
      code: "MANIFEST_UNKNOWN",
      hint: expect.stringMatching(new RegExp(`mirrors tried before: ${mirror.host} .*not found`)) as unknown,
    });
  });
});

describe("credentials and mirrors", () => {
  const alice: Credentials = { kind: "password", username: "alice", password: "s3cret", source: "test" };

  function asking(challenge: string): Fault[] {
    const headers = { "www-authenticate": challenge };
    return [{ on: /./, trouble: { kind: "reply", status: 401, headers } }];
  }

  test.each(["Basic realm=x", 'Bearer realm="REALM/token",service="x"'])(
    "R37: a mirror that asks with %s gets none of the registry's, and is passed over",
    async (challenge) => {
      mirror.script(asking(challenge.replace("REALM", mirror.url)));
      const asked: string[] = [];
      await pullWith({
        network: hostsToml(`[host."${mirror.url}"]\n`),
        credentials(place) {
          asked.push(place);
          return Promise.resolve(place.startsWith(upstream.host) ? alice : undefined);
        },
      });
      expect(new Set(asked)).toEqual(new Set([`${mirror.host}/team/app`]));
      expect(mirror.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
      expect(warnings).toHaveLength(1);
    },
  );

  test("a mirror's own credentials are shown to it alone", async () => {
    await mirror.close();
    mirror = await startTestRegistry({ content, auth: { username: "alice", password: "s3cret" } });
    await pullWith({
      network: hostsToml(`[host."${mirror.url}"]\n`),
      credentials: (place) => Promise.resolve(place === `${mirror.host}/team/app` ? alice : undefined),
    });
    expect(upstream.lines()).toEqual([]);
  });

  test("the registry's own credentials work where a mirror had nothing", async () => {
    await upstream.close();
    upstream = await startTestRegistry({ content, auth: { username: "alice", password: "s3cret" } });
    mirror.script([{ on: /./, trouble: { kind: "reply", status: 404 } }]);
    await pullWith({
      network: hostsToml(`[host."${mirror.url}"]\n`),
      credentials: (place) => Promise.resolve(place === `${upstream.host}/team/app` ? alice : undefined),
    });
    expect(mirror.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });
});

describe("registries.conf", () => {
  function conf(text: string): ReturnType<typeof networkFiles> {
    return networkFiles({ "registries.conf": text });
  }

  test("names mirrors, whose location takes the place of the prefix", async () => {
    const rule = `[[registry]]\nprefix = "${upstream.host}/team"\nlocation = "${upstream.host}/team"\n`;
    const cached = addImage(content, {
      repository: "cache/app",
      tag: "v1",
      layers: [layer],
      compression: "none",
    });
    await pullWith({ network: conf(`${rule}[[registry.mirror]]\nlocation = "${mirror.host}/cache"\n`) });
    expect(cached.top).toEqual(image.top);
    expect(mirror.lines()).toEqual([
      "GET /v2/",
      ...everything.map((line) => line.replace("/team/", "/cache/")),
    ]);
    expect(upstream.lines()).toEqual([]);
  });

  test("R37: mirrors that fail are passed over in their order", async () => {
    mirror.script([{ on: /manifests|blobs/, trouble: { kind: "reply", status: 503 } }]);
    const mirrors = ["127.0.0.1:1", mirror.host].map((host) => `[[registry.mirror]]\nlocation = "${host}"\n`);
    await pullWith({ network: conf(`[[registry]]\nlocation = "${upstream.host}"\n${mirrors.join("")}`) });
    expect(warnings.map(({ message }) => message.split(":")[0])).toEqual([
      "mirror 127.0.0.1",
      "mirror 127.0.0.1",
    ]);
    expect(mirror.lines()).toEqual(["GET /v2/", everything[0]]);
  });

  test("moves a registry: the longest prefix decides, the last file for equal ones", async () => {
    const rule = (prefix: string, location: string): string =>
      `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`;
    const network = networkFiles({
      "registries.conf": `unqualified-search-registries = ["example.com"]\n${rule("127.0.0.1", "127.0.0.1:2")}${rule(upstream.host, "127.0.0.1:3")}${rule(`${upstream.host}/team/app`, "127.0.0.1:4/x")}`,
      "registries.conf.d/50-app.conf": rule(`${upstream.host}/team/app`, `${mirror.host}/team/app`),
      "registries.conf.d/10-names.conf": '[aliases]\n"alpine" = "registry.example/alpine"\n',
      "registries.conf.d/readme.txt": "not TOML [",
    });
    await pullWith({ network });
    expect(mirror.lines()).toEqual(["GET /v2/", ...everything]);
    expect(upstream.lines()).toEqual([]);
  });

  test.each([
    ["digest-only", 'pull-from-mirror = "digest-only"', false],
    ["tag-only", 'pull-from-mirror = "tag-only"', true],
    ["all", 'pull-from-mirror = "all"', true],
  ])("a %s mirror and a tag", async (_, setting, isAsked) => {
    const rule = `[[registry]]\nlocation = "${upstream.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"\n`;
    await pullWith({ network: conf(`${rule}${setting}\n`) });
    expect(mirror.requests.length > 0).toBe(isAsked);
  });

  test("mirror-by-digest-only leaves tags to the registry and gives digests to the mirror", async () => {
    const rule = `[[registry]]\nlocation = "${upstream.host}"\nmirror-by-digest-only = true\n`;
    const network = conf(`${rule}[[registry.mirror]]\nlocation = "${mirror.host}"\n`);
    await pullWith({ network });
    expect(mirror.requests).toEqual([]);
    const pinned = openTestRepository(`${upstream.host}/team/app@${image.top.digest}`, { network });
    expect(await pinned.resolve(noAbort)).toEqual(image.top);
    pinned.close();
    expect(mirror.requests.length).toBeGreaterThan(0);
  });

  test.each([
    ["the registry", () => upstream.host],
    ["a wildcard's subdomain", () => "*.0.0.1:PORT"],
  ])("blocks %s before anything is asked", async (_, prefix) => {
    const text = prefix().replace("PORT", upstream.host.split(":")[1] ?? "");
    await expect(
      pullWith({ network: conf(`[[registry]]\nprefix = "${text}"\nblocked = true\n`) }),
    ).rejects.toMatchObject({
      code: "BLOCKED",
      message: `image: ${upstream.host}/team/app:v1: blocked by this machine's configuration`,
    });
    expect(upstream.requests).toEqual([]);
  });

  test.each(["127.0.0.1", "team/app", "*.0.0.2", "127.0.0.1:1", "HOST/tea", "HOST/team/app/more"])(
    "does not take %s for a prefix of the image",
    async (prefix) => {
      const text = prefix.replace("HOST", upstream.host);
      await pullWith({ network: conf(`[[registry]]\nprefix = "${text}"\nblocked = true\n`) });
      expect(upstream.lines()).toEqual(["GET /v2/", ...everything]);
    },
  );
});

describe("a configuration file with a mistake", () => {
  test.each([
    ["no TOML", 'server = "https://h.example"\nheader = { secret', "line 2: not TOML"],
    ["a wrong type", "skip_verify = 1\n", "skip_verify: "],
    ["no URL", '[host."https://"]\n', "a server that is not a URL"],
    ["another scheme", '[host."ftp://h.example"]\n', "server scheme ftp:"],
    ["a password in a URL", '[host."https://a:secret@h.example"]\n', "user info in a server URL"],
    ["no duration", '[host."h.example"]\ndial_timeout = "3"\n', "dial_timeout that is no duration"],
    ["no header", '[host."h.example".header]\nX = "a\\nsecret"\n', "a header that is not one"],
    ["a missing authority", '[host."h.example"]\nca = "none.crt"\n', "no such file"],
  ])("is named with what is wrong, nothing of it quoted: %s", async (_, text, problem) => {
    const failure = pullWith({ network: hostsToml(text) });
    await expect(failure).rejects.toMatchObject({ code: "BAD_CONFIG" });
    await expect(failure).rejects.toThrow(problem);
    await expect(failure).rejects.toThrow(/certs\.d/);
    await expect(failure).rejects.not.toThrow(/secret/);
  });

  test("is named in registries.conf too", async () => {
    const network = networkFiles({ "registries.conf": "[[registry]]\nblocked = false\n" });
    await expect(pullWith({ network })).rejects.toThrow(
      /registries\.conf: a \[\[registry\]\] without prefix/,
    );
  });

  test("does not matter for another registry", async () => {
    const network = networkFiles({ "certs.d/other.example/hosts.toml": "nonsense [" });
    expect((await pullWith({ network })).equals(layer)).toBe(true);
  });
});
