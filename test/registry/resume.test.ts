import { describe, expect, test } from "vitest";
import { digestOf } from "../../src/core/digest.js";
import { NetworkError } from "../../src/core/errors.js";
import { readResuming } from "../../src/registry/resume.js";
import { collect, noAbort, patternBytes } from "../support/registry-client.js";

const MiB = 1024 * 1024;

/** Reads a blob over connections that each give at most `perConnection` bytes, ended by `end`. */
async function readInPieces(size: number, perConnection: number, end: () => void) {
  const blob = patternBytes(size);
  const offsets: number[] = [];
  const open = async (offset: number): Promise<AsyncIterable<Uint8Array>> => {
    offsets.push(offset);
    await Promise.resolve();
    return (async function* () {
      await Promise.resolve();
      if (perConnection > 0) yield blob.subarray(offset, offset + perConnection);
      if (offset + perConnection < size) end();
    })();
  };
  const descriptor = { mediaType: "x", digest: digestOf(blob), size };
  const options = { what: "blob", descriptor, offset: 0, signal: noAbort, baseMs: 0 };
  try {
    return { whole: blob.equals(await collect(readResuming(open, options))), offsets };
  } catch (error) {
    return { error, offsets };
  }
}

function quietly(): void {
  // The connection ends as if all had been sent.
}

function reset(): never {
  throw new NetworkError("RESET", "connection reset");
}

describe("reading over several connections", () => {
  test.each([
    ["resets", reset],
    ["ends early without a word", quietly],
  ])("goes on as long as each one that %s brings a MiB", async (_, end) => {
    const { whole, offsets } = await readInPieces(8 * MiB, MiB, end);
    expect(whole).toBe(true);
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((n) => n * MiB));
  });

  test.each([
    ["nothing", 0],
    ["a byte", 1],
    ["not quite a MiB", MiB - 1],
  ])("ends after five that bring %s each", async (_, perConnection) => {
    for (const end of [reset, quietly]) {
      const { error, offsets } = await readInPieces(8 * MiB, perConnection, end);
      expect(error).toMatchObject({
        code: "RESET",
        info: { details: { offset: 5 * perConnection, size: 8 * MiB } },
      });
      expect(offsets).toHaveLength(5);
    }
  });

  test("does not go on after an error that will not pass", async () => {
    const { error, offsets } = await readInPieces(8 * MiB, MiB, () => {
      throw new Error("bug");
    });
    expect(error).toMatchObject({ message: "bug" });
    expect(offsets).toEqual([0]);
  });
});
