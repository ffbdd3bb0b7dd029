import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { limits } from "../../src/core/limits.js";
import * as mediaTypes from "../../src/core/media-types.js";
import type { RetryNotice } from "../../src/registry/retry.js";
import {
  addImage,
  memoryContent,
  startTestRegistry,
  type Fault,
  type TestRegistry,
} from "../support/registry.js";
import { noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const image = addImage(content, {
  repository: "team/app",
  tag: "v1",
  layers: [patternBytes(5000)],
  index: true,
});

let registry: TestRegistry | undefined;
let plain: Server | undefined;
afterEach(async () => {
  await registry?.close();
  plain?.closeAllConnections();
  plain?.close();
});

async function start(faults: readonly Fault[] = [], reference = "team/app:v1") {
  registry = await startTestRegistry({ content, faults });
  const notices: RetryNotice[] = [];
  const source = openTestRepository(`${registry.host}/${reference}`, {
    onRetry: (notice) => notices.push(notice),
  });
  // Without the ping that loopback registries get.
  const lines = (): string[] => registry?.lines().filter((line) => line !== "GET /v2/") ?? [];
  return { source, notices, lines };
}

/** A registry that is not ours: every answer is the listener's. */
async function startPlain(listener: RequestListener) {
  plain = createServer(listener);
  const server = plain;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return openTestRepository(`127.0.0.1:${(server.address() as AddressInfo).port}/team/app:v1`);
}

function without(name: string): Fault {
  return { on: /^HEAD/, trouble: { kind: "header", name, value: undefined } };
}

describe("resolving a reference", () => {
  test("takes one HEAD with all four media types we can use", async () => {
    const { source, lines } = await start();
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(lines()).toEqual(["HEAD /v2/team/app/manifests/v1"]);
    expect(registry?.requests.at(-1)?.headers.accept?.split(", ")).toEqual(mediaTypes.manifestAccept);
    expect(registry?.requests.at(-1)?.headers["user-agent"]).toBe("pullrun-test");
    source.close();
  });

  test.each([
    ["a digest", `team/app@${image.top.digest}`],
    ["a tag and a digest: the digest decides", `team/app:gone@${image.top.digest}`],
  ])("takes %s", async (_, reference) => {
    const { source, lines } = await start([], reference);
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(lines()).toEqual([`HEAD /v2/team/app/manifests/${image.top.digest}`]);
    source.close();
  });

  test.each([
    ["without a digest", without("docker-content-digest")],
    ["without a length", without("content-length")],
    ["without a type", without("content-type")],
    [
      "with a type that is no manifest's",
      { on: /^HEAD/, trouble: { kind: "header", name: "content-type", value: "text/plain" } },
    ],
    [
      "with a digest of another algorithm",
      {
        on: /^HEAD/,
        trouble: { kind: "header", name: "docker-content-digest", value: `sha512:${"0".repeat(128)}` },
      },
    ],
    [
      "with a digest that climbs",
      { on: /^HEAD/, trouble: { kind: "header", name: "docker-content-digest", value: "sha256:../../etc" } },
    ],
    ["405", { on: /^HEAD/, trouble: { kind: "reply", status: 405 } }],
  ] as const)("falls back to GET on a HEAD answer %s, and does not get it twice", async (_, fault) => {
    const { source, lines } = await start([fault]);
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect((await source.document(image.top, noAbort)).length).toBe(image.top.size);
    expect(lines()).toEqual(["HEAD /v2/team/app/manifests/v1", "GET /v2/team/app/manifests/v1"]);
    source.close();
  });

  test("ignores parameters and letter case of the content type", async () => {
    const value = `${mediaTypes.ociIndex.replace("index", "Index")}; charset=utf-8`;
    const { source } = await start([
      { on: /^HEAD/, trouble: { kind: "header", name: "content-type", value } },
    ]);
    expect(await source.resolve(noAbort)).toEqual(image.top);
    source.close();
  });

  test("refuses a manifest that is not what its own header says", async () => {
    const wrong = `sha256:${"0".repeat(64)}`;
    const { source } = await start([
      { on: /^HEAD/, trouble: { kind: "reply", status: 405 } },
      { on: /^GET/, trouble: { kind: "header", name: "docker-content-digest", value: wrong } },
    ]);
    await expect(source.resolve(noAbort)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    source.close();
  });

  test("refuses a HEAD that announces a manifest over the limit", async () => {
    const { source } = await start([
      { on: /^HEAD/, trouble: { kind: "header", name: "content-length", value: "5242880" } },
    ]);
    await expect(source.resolve(noAbort)).rejects.toThrow(/5242880 bytes \(expected at most 4194304\)/);
    source.close();
  });

  test("refuses a 5 MiB manifest before holding it, announced or not", async () => {
    for (const announced of [true, false]) {
      let sent = 0;
      const source = await startPlain((request, response) => {
        if (request.method === "HEAD") return void response.writeHead(405).end();
        const total = 64 * 1024 * 1024;
        response.setHeader("content-type", mediaTypes.ociManifest);
        if (announced) response.setHeader("content-length", total);
        const chunk = Buffer.alloc(1024 * 1024, " ");
        const more = (): void => {
          while (sent < total && !response.destroyed) {
            sent += chunk.length;
            if (!response.write(chunk)) return void response.once("drain", more);
          }
          response.end();
        };
        more();
      });
      await expect(source.resolve(noAbort)).rejects.toThrow(/expected at most 4194304/);
      expect(sent).toBeLessThan(64 * 1024 * 1024);
      source.close();
      plain?.closeAllConnections();
      plain?.close();
    }
  });

  test("R38: shows an error page's words as one printable line and reads little of it", async () => {
    const message = `\u001b[31mno\nsuch\u202e thing ${"x".repeat(1000)}`;
    const body = JSON.stringify({ errors: [{ code: "NAME_UNKNOWN", message }] });
    const { source } = await start([
      { on: /^HEAD/, trouble: { kind: "reply", status: 405 } },
      { on: /^GET \/v2\/team/, trouble: { kind: "reply", status: 404, body } },
    ]);
    const failure = source.resolve(noAbort);
    await expect(failure).rejects.toThrow(/not found \(404: name unknown: \?\[31mno\?such\? thing x+…\)$/);
    await expect(failure).rejects.toMatchObject({ code: "MANIFEST_UNKNOWN" });
    source.close();
  });

  test.each([
    [401, "UNAUTHORIZED"],
    [403, "DENIED"],
    [404, "MANIFEST_UNKNOWN"],
    [410, "PROTOCOL"],
    [418, "PROTOCOL"],
    [204, "PROTOCOL"],
  ])("R21: takes a %i as final", async (status, code) => {
    const { source, lines, notices } = await start([{ on: /manifests/, trouble: { kind: "reply", status } }]);
    await expect(source.resolve(noAbort)).rejects.toMatchObject({ code });
    expect(lines()).toHaveLength(1);
    expect(notices).toEqual([]);
    source.close();
  });

  test.each([408, 500, 502, 503, 504, 522])("R21: retries a %i", async (status) => {
    const { source, notices } = await start([
      { on: /manifests/, occurrences: [1, 2], trouble: { kind: "reply", status } },
    ]);
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(notices).toHaveLength(2);
    source.close();
  });

  test("gives up after three attempts", async () => {
    const { source, lines } = await start([{ on: /manifests/, trouble: { kind: "reply", status: 502 } }]);
    await expect(source.resolve(noAbort)).rejects.toMatchObject({ code: "UPSTREAM" });
    expect(lines()).toHaveLength(3);
    source.close();
  });
});

describe("a registry that limits its rate", () => {
  function limited(retryAfter: string, occurrences: readonly number[]): Fault {
    const trouble = { kind: "reply", status: 429, headers: { "retry-after": retryAfter } } as const;
    return { on: /manifests/, occurrences, trouble };
  }

  test("R19: is given the pause it asks for, and the user is told", async () => {
    const { source, notices } = await start([limited("1", [1])]);
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(notices).toEqual([
      {
        what: expect.stringContaining("team/app:v1") as string,
        attempt: 1,
        code: "RATE_LIMITED",
        waitMs: 1000,
      },
    ]);
    source.close();
  });

  test("R19: may give a date, also one that has passed", async () => {
    const { source, notices } = await start([limited("Wed, 21 Oct 2015 07:28:00 GMT", [1])]);
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect(notices[0]?.waitMs).toBe(0);
    source.close();
  });

  test("R19: is not waited for when it asks for more than half a minute", async () => {
    const { source, notices } = await start([limited("3600", [1, 2, 3])]);
    await expect(source.resolve(noAbort)).rejects.toMatchObject({
      code: "RATE_LIMITED",
      hint: expect.stringContaining("wait 3600 s") as unknown,
    });
    expect(notices).toEqual([]);
    source.close();
  });

  test("can be interrupted while waiting", async () => {
    const { source } = await start([limited("20", [1])]);
    await expect(source.resolve(AbortSignal.timeout(100))).rejects.toMatchObject({ code: "INTERRUPTED" });
    source.close();
  });
});

describe("documents and configs", () => {
  test("are returned byte for byte", async () => {
    const { source } = await start();
    const config = await source.smallBlob(image.config, limits.configBytes, noAbort);
    const opened = await content.open(image.config.digest);
    const original = opened && (await Array.fromAsync(opened.body));
    expect(Buffer.from(config)).toEqual(Buffer.concat(original ?? []));
    source.close();
  });

  test("R31: altered on the way once are fetched once more", async () => {
    const { source, notices } = await start([
      { on: /blobs/, occurrences: [1], trouble: { kind: "flip", at: 3 } },
    ]);
    await source.smallBlob(image.config, limits.configBytes, noAbort);
    expect(notices.map(({ code }) => code)).toEqual(["DIGEST_MISMATCH"]);
    source.close();
  });

  test.each(["manifests", "blobs"])("altered for good are refused: %s", async (kind) => {
    const { source } = await start([{ on: new RegExp(kind), trouble: { kind: "flip", at: 3 } }]);
    const got =
      kind === "manifests"
        ? source.document(image.manifest, noAbort)
        : source.smallBlob(image.config, limits.configBytes, noAbort);
    await expect(got).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    source.close();
  });

  test("cut short on the way are fetched again", async () => {
    const { source, notices } = await start([
      { on: /blobs/, occurrences: [1], trouble: { kind: "truncate", after: 10 } },
    ]);
    await source.smallBlob(image.config, limits.configBytes, noAbort);
    expect(notices.map(({ code }) => code)).toEqual(["RESET"]);
    source.close();
  });

  test("of another size than described are refused", async () => {
    const { source } = await start();
    const descriptor = { ...image.config, size: image.config.size + 1 };
    await expect(source.smallBlob(descriptor, limits.configBytes, noAbort)).rejects.toMatchObject({
      code: "SIZE_MISMATCH",
    });
    source.close();
  });

  test("over the limit are refused without a request", async () => {
    const { source, lines } = await start();
    const huge = { ...image.config, size: limits.configBytes + 1 };
    await expect(source.smallBlob(huge, limits.configBytes, noAbort)).rejects.toMatchObject({
      code: "BAD_MANIFEST",
    });
    await expect(source.document(huge, noAbort)).rejects.toMatchObject({ code: "BAD_MANIFEST" });
    expect(lines()).toEqual([]);
    source.close();
  });
});
