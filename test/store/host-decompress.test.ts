import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { AbortError } from "../../src/core/errors.js";
import { openArchiveFile, type Scratch } from "../../src/store/archive-file.js";
import { temporaryDirectory } from "../support/store.js";
import { missing } from "../support/tools.js";

/** What load makes of an archive that xz or bzip2 has compressed. */
const programs = ["xz", "bzip2"] as const;
const magic = { xz: Buffer.from("fd377a585a00", "hex"), bzip2: Buffer.from("BZh9") };
/** Does not compress, so that a part of what is compressed is a part of this. */
const plain = noise(300_000);

function noise(size: number): Buffer {
  let state = 1;
  return Buffer.from(
    Array.from({ length: size }, () => (state = (state * 1664525 + 1013904223) >>> 0) >>> 24),
  );
}

/** The plain copy of an archive that comes in small pieces. */
async function spooled(bytes: Buffer, scratch: Partial<Scratch> = {}): Promise<Buffer> {
  return contentOf(inPieces(bytes), scratch);
}

async function contentOf(stream: AsyncIterable<Uint8Array>, scratch: Partial<Scratch>): Promise<Buffer> {
  await using handle = await openArchiveFile({ stream }, { directory: temporaryDirectory(), ...scratch });
  const { size } = await handle.stat();
  const copy = Buffer.alloc(size);
  await handle.read(copy, 0, size, 0);
  return copy;
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 5000) yield bytes.subarray(at, at + 5000);
}

async function* stalling(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
  await new Promise(() => undefined);
}

/** Processes of this one that run the program, or have and were not waited for. */
function childrenNamed(program: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
        return stat.includes(`(${program}) `) && stat.split(") ")[1]?.split(" ")[1] === String(process.pid);
      } catch {
        return false;
      }
    });
}

describe.each(programs)("%s", (program) => {
  const needs = missing(program);
  const compress = (bytes: Buffer, ...args: string[]): Buffer =>
    execFileSync(program, ["-c", ...args], { input: bytes, maxBuffer: 1 << 30 });

  test.skipIf(needs !== "")(
    `${needs}is undone, of several streams in one, from a pipe and from a file`,
    async () => {
      const twice = Buffer.concat([compress(plain), compress(plain)]);
      expect((await spooled(twice)).equals(Buffer.concat([plain, plain]))).toBe(true);
      const [file, directory] = [path.join(temporaryDirectory(), "x"), temporaryDirectory()];
      writeFileSync(file, twice);
      await using handle = await openArchiveFile({ file }, { directory });
      expect((await handle.stat()).size).toBe(2 * plain.length);
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  test.skipIf(needs !== "").each([
    ["cut short", (): Buffer => compress(plain).subarray(0, 20_000), /: damaged \w+ data: .*(unexpected)/i],
    [
      "that is none behind its magic",
      (): Buffer => Buffer.concat([magic[program], plain]),
      /: damaged \w+ data: \S+/,
    ],
  ])(`${needs}%s is refused in the program's own words`, async (_what, bytes, message) => {
    await expect(spooled(bytes())).rejects.toMatchObject({
      code: "BAD_COMPRESSION",
      message: expect.stringMatching(message) as string,
    });
    await expect.poll(() => childrenNamed(program)).toEqual([]);
  });

  test.skipIf(needs !== "")(`${needs}L28: a bomb stops at the limit, and its program with it`, async () => {
    const bomb = compress(Buffer.alloc(200 * 1024 * 1024), "-1");
    const before = process.memoryUsage().rss;
    await expect(spooled(bomb, { maxBytes: 1_000_000 })).rejects.toMatchObject({
      code: "TOO_BIG",
      message: expect.stringContaining("unpacks to more than 1000000 bytes") as string,
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    await expect.poll(() => childrenNamed(program)).toEqual([]);
  });

  test.skipIf(needs !== "")(`${needs}ends with the signal although no more bytes come`, async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const opening = contentOf(stalling(compress(plain).subarray(0, 30_000)), { signal });
    opening.catch(() => undefined);
    await expect.poll(() => childrenNamed(program)).toHaveLength(1);
    controller.abort(new AbortError("INTERRUPTED", "interrupted"));
    await expect(opening).rejects.toMatchObject({ code: "INTERRUPTED" });
    await expect.poll(() => childrenNamed(program)).toEqual([]);
  });

  test.skipIf(needs !== "")(`${needs}whose input cannot be read fails with the reason for that`, async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield compress(plain).subarray(0, 30_000);
      throw new Error("the disk is broken");
    }
    await expect(contentOf(broken(), {})).rejects.toThrow("the disk is broken");
  });
});

test("gzip and plain archives from a pipe that stalls end with the signal too", async () => {
  const controller = new AbortController();
  const opening = contentOf(stalling(plain), { signal: controller.signal });
  setTimeout(() => controller.abort(new AbortError("INTERRUPTED", "interrupted")), 50);
  await expect(opening).rejects.toMatchObject({ code: "INTERRUPTED" });
});
