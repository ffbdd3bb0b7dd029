import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Descriptor } from "../../src/core/descriptor.js";
import type { Timing } from "../../src/registry/connection.js";
import type { RetryNotice } from "../../src/registry/retry.js";
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
const blob = image.layers[0]!;

let registry: TestRegistry | undefined;
afterEach(() => registry?.close());

interface Reading {
  readonly faults: readonly Fault[];
  readonly descriptor?: Descriptor;
  readonly offset?: number;
  readonly slowest?: Timing["slowest"];
}

async function read({ faults, descriptor = blob, offset = 0, slowest }: Reading) {
  registry = await startTestRegistry({ content, faults });
  const notices: RetryNotice[] = [];
  const source = openTestRepository(`${registry.host}/team/app:v1`, {
    onRetry: (notice) => notices.push(notice),
    timing: { retryBaseMs: 1, stallMs: 200, ...(slowest && { slowest }) },
  });
  const { requests } = registry;
  try {
    const bytes = await collect(await source.read(descriptor, { offset, signal: noAbort }));
    return { bytes, notices, blobs: requests.filter(({ url }) => url.includes("blobs")) };
  } finally {
    source.close();
  }
}

describe("a download", () => {
  test("takes the blob in one request", async () => {
    const { bytes, blobs } = await read({ faults: [] });
    expect(bytes.equals(layer)).toBe(true);
    expect(blobs.map(({ headers }) => [headers.range, headers["accept-encoding"]])).toEqual([
      [undefined, "identity"],
    ]);
  });

  test("starts where an earlier one stopped, and asks nothing when all is there", async () => {
    const { bytes, blobs } = await read({ faults: [], offset: 2_999_000 });
    expect(bytes.equals(layer.subarray(2_999_000))).toBe(true);
    expect(blobs[0]?.headers.range).toBe("bytes=2999000-");
    await registry?.close();
    expect((await read({ faults: [], offset: layer.length })).blobs).toEqual([]);
  });

  test.each(["truncate", "reset", "stall"] as const)(
    "R22: goes on from the byte reached after a %s",
    async (kind) => {
      const { bytes, blobs, notices } = await read({
        faults: [{ on: /blobs/, occurrences: [1, 2], trouble: { kind, after: 1_000_000 } }],
      });
      expect(bytes.equals(layer)).toBe(true);
      expect(blobs).toHaveLength(3);
      // A reset may throw away bytes still under way, so the ranges are known only for the other two.
      if (kind !== "reset") {
        expect(blobs.map(({ headers }) => headers.range)).toEqual([
          undefined,
          "bytes=1000000-",
          "bytes=2000000-",
        ]);
        expect(blobs.reduce((sum, { bytes: sent }) => sum + sent, 0)).toBe(layer.length);
      }
      expect(notices.map(({ code }) => code)).toEqual(Array(2).fill(kind === "stall" ? "TIMEOUT" : "RESET"));
      expect(notices[0]?.what).toContain(blob.digest);
    },
  );

  test("R23: drops what it has where the registry ignores the range, joining nothing twice", async () => {
    const { bytes, blobs } = await read({
      faults: [
        { on: /blobs/, occurrences: [1], trouble: { kind: "truncate", after: 1_234_567 } },
        { on: /blobs/, occurrences: [2], trouble: { kind: "ignore-range" } },
      ],
    });
    expect(bytes.equals(layer)).toBe(true);
    expect(blobs).toHaveLength(2);
  });

  test("R29: does without a content length", async () => {
    const { bytes } = await read({
      faults: [{ on: /blobs/, trouble: { kind: "header", name: "content-length", value: undefined } }],
    });
    expect(bytes.equals(layer)).toBe(true);
  });

  test("R30: is not inflated though something on the way calls it gzip", async () => {
    const { bytes } = await read({
      faults: [{ on: /blobs/, trouble: { kind: "header", name: "content-encoding", value: "gzip" } }],
    });
    expect(bytes.equals(layer)).toBe(true);
  });

  test("retries a registry that is briefly out of order", async () => {
    const { bytes, notices } = await read({
      faults: [{ on: /blobs/, occurrences: [1, 2], trouble: { kind: "reply", status: 503 } }],
    });
    expect(bytes.equals(layer)).toBe(true);
    expect(notices.map(({ code, attempt }) => [code, attempt])).toEqual([
      ["UPSTREAM", 1],
      ["UPSTREAM", 2],
    ]);
  });

  test("R27: fails after five attempts without progress, naming host and byte", async () => {
    const stuck = read({
      faults: [{ on: /blobs/, trouble: { kind: "truncate", after: 1000 } }],
      offset: 2_000_000,
    });
    await expect(stuck).rejects.toThrow(
      /stopped at byte 200\d000 of 3000000: download from 127\.0\.0\.1:\d+: /,
    );
    await expect(stuck).rejects.toMatchObject({ code: "RESET" });
    expect(registry?.requests.filter(({ url }) => url.includes("blobs"))).toHaveLength(5);
  });

  test("R28: that only drips ends in an error, naming host, byte, rate and floor", async () => {
    const drip: Fault = { on: /blobs/, trouble: { kind: "drip", bytes: 10, everyMs: 5 } };
    const dripping = read({ faults: [drip], slowest: { bytes: 5000, windowMs: 250 } });
    await expect(dripping).rejects.toThrow(
      /stopped at byte \d+ of 3000000: download from 127\.0\.0\.1:\d+: \d+ bytes in 0\.25 s \(expected at least 5000\)/,
    );
    await expect(dripping).rejects.toMatchObject({
      code: "TIMEOUT",
      hint: expect.stringContaining("too slow") as unknown,
    });
    const blobs = registry?.requests.filter(({ url }) => url.includes("blobs")) ?? [];
    expect(blobs.map(({ headers }) => headers.range?.replace(/\d+/, "N"))).toEqual([
      undefined,
      "bytes=N-",
      "bytes=N-",
    ]);
  });

  test("R28: that is slow, but not too slow, is waited for", async () => {
    const drip: Fault = { on: /blobs/, trouble: { kind: "drip", bytes: 10_000, everyMs: 5 } };
    const { bytes, blobs } = await read({
      faults: [drip],
      slowest: { bytes: 1000, windowMs: 100 },
    });
    expect(bytes.equals(layer)).toBe(true);
    expect(blobs).toHaveLength(1);
  });

  test("R28: whose bytes wait for a slow disk is not called slow", async () => {
    registry = await startTestRegistry({ content });
    const source = openTestRepository(`${registry.host}/team/app:v1`, {
      timing: { slowest: { bytes: 3_000_000, windowMs: 200 } },
    });
    const parts: Uint8Array[] = [];
    for await (const part of await source.read(blob, { offset: 0, signal: noAbort })) {
      if (parts.push(part) % 10 === 0) await sleep(60);
    }
    expect(layer.equals(Buffer.concat(parts))).toBe(true);
    expect(registry.requests.filter(({ url }) => url.includes("blobs"))).toHaveLength(1);
    source.close();
  });

  test("R27: that stalls for good names host and byte", async () => {
    const stuck = read({ faults: [{ on: /blobs/, trouble: { kind: "stall", after: 0 } }] });
    await expect(stuck).rejects.toThrow(
      /stopped at byte 0 of 3000000: download from 127\.0\.0\.1:\d+: no data for 0\.2 s/,
    );
    await expect(stuck).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  test.each([
    ["shorter", -1],
    ["longer", 1],
  ])("R29: is refused at once if the registry's blob is %s than the manifest says", async (_, difference) => {
    const descriptor = { ...blob, size: layer.length - difference };
    await expect(read({ faults: [], descriptor })).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    expect(registry?.requests.filter(({ url }) => url.includes("blobs"))).toHaveLength(1);
    await registry?.close();
    await expect(read({ faults: [], descriptor, offset: 1000 })).rejects.toMatchObject({
      code: "SIZE_MISMATCH",
    });
  });

  test("R29: of unannounced length stops at the first byte too many", async () => {
    const noLength: Fault = {
      on: /blobs/,
      trouble: { kind: "header", name: "content-length", value: undefined },
    };
    const descriptor = { ...blob, size: 100_000 };
    await expect(read({ faults: [noLength], descriptor })).rejects.toThrow(/more bytes than announced/);
  });

  test.each([
    "bytes 5-2999999/3000000",
    "bytes 1000-2000/3000000",
    "bytes 1000-2999999/9",
    "nonsense",
    undefined,
  ])("R23: refuses another range than the one asked for: %s", async (value) => {
    const faults: Fault[] = [{ on: /blobs/, trouble: { kind: "header", name: "content-range", value } }];
    await expect(read({ faults, offset: 1000 })).rejects.toMatchObject({
      code: expect.stringMatching(/PROTOCOL|SIZE_MISMATCH/) as unknown,
    });
  });

  test("of an unknown blob is not retried", async () => {
    const descriptor = { ...blob, digest: image.top.digest.replace(/.{4}$/, "0000") as typeof blob.digest };
    await expect(read({ faults: [], descriptor })).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
    expect(registry?.requests.filter(({ url }) => url.includes("blobs"))).toHaveLength(1);
  });

  test("R28: is interrupted by its signal, before and between bytes", async () => {
    registry = await startTestRegistry({
      content,
      faults: [{ on: /blobs/, trouble: { kind: "stall", after: 500_000 } }],
    });
    const source = openTestRepository(`${registry.host}/team/app:v1`);
    const stop = new AbortController();
    const body = await source.read(blob, { offset: 0, signal: stop.signal });
    const reading = (async () => {
      for await (const chunk of body) if (chunk.length > 0) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
    const late = await source.read(blob, { offset: 0, signal: stop.signal });
    await expect(collect(late)).rejects.toMatchObject({ code: "INTERRUPTED" });
    source.close();
  });
});
