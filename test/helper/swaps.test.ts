import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fileTypes } from "../../src/helper/constants.js";
import {
  dirRecord,
  fileRecord,
  linkRecord,
  nodeRecord,
  rootRecord,
  symlinkRecord,
  upRecord,
} from "../../src/helper/entry-stream.js";
import { missing } from "../support/tools.js";
import {
  createEntries,
  entryMeta,
  helperPath,
  needsOwnFiles,
  temporaryDirectory,
  temporaryFile,
} from "./support.js";

/**
 * L10: somebody else writes to the target while an image is unpacked there, and puts links to the host in the place of
 * what was just made. Directories of the store and flat ones are made this way; erofs makes no names that could be swapped
 * (test/store/layer-cases.test.ts). The stream is fed record by record, or strace holds the helper inside one, so that
 * every swap hits.
 */
const needs = await needsOwnFiles();
const name = (i: number): Buffer => Buffer.from(`n${i}`);

interface Scene {
  readonly target: string;
  /** A directory of the host with one file that is nobody else's business. */
  readonly outside: string;
}

function scene(): Scene {
  const [target, outside] = [temporaryDirectory(), temporaryDirectory()];
  writeFileSync(path.join(outside, "canary"), "alive");
  chmodSync(path.join(outside, "canary"), 0o600);
  return { target, outside };
}

function expectUntouched({ outside }: Scene): void {
  const canary = path.join(outside, "canary");
  const { mode, nlink, mtimeMs } = lstatSync(canary);
  expect(readdirSync(outside)).toEqual(["canary"]);
  expect({ mode: mode & 0o7777, nlink, text: readFileSync(canary, "utf8") }).toEqual({
    mode: 0o600,
    nlink: 1,
    text: "alive",
  });
  expect(mtimeMs).toBeGreaterThan(1_000_000_000_000);
}

function unpack(program: string, { target }: Scene, input: AsyncIterable<Uint8Array>): Promise<unknown> {
  return createEntries(program, target, { input, tar: Buffer.from("new") });
}

/** Enough records that what was said before them is sent, and has been done once the first of them shows in `directory`. */
async function* settle(directory: string): AsyncGenerator<Uint8Array> {
  const target = Buffer.alloc(4000, "x");
  for (let i = 0; i < 70; i++) yield symlinkRecord(Buffer.from(`filler${i}`), entryMeta(0o777), target);
  while (lstatSync(path.join(directory, "filler0"), { throwIfNoEntry: false }) === undefined)
    await setImmediate();
}

/** Waits for what the helper makes and puts a link to `to` in its place, keeping it as `aside`. */
async function swap(
  file: string,
  to: string,
  aside = `${file}.aside`,
  isOver: () => boolean = () => false,
): Promise<boolean> {
  while (!existsSync(file) && lstatSync(file, { throwIfNoEntry: false }) === undefined) {
    if (isOver()) return false;
    await setImmediate();
  }
  renameSync(file, aside);
  symlinkSync(to, file);
  return true;
}

describe.skipIf(needs !== "")(`${needs}L10: an attacker who may write to the target`, () => {
  const data = { tar: 0, offset: 0, size: 3 };

  test("swaps each of 2,000 directories for a link to the host before it is filled: all goes where it was meant to, nothing outside", async () => {
    const here = scene();
    // Few rounds: it is letting the helper come to rest that takes the time.
    const [rounds, depth] = [10, 200];
    const below = (levels: number): string => path.join(here.target, ...Array<string>(levels).fill("n"));
    const aside = (round: number, levels: number): string =>
      path.join(here.target, `n.${round}`, ...Array<string>(levels).fill("n.0"));
    async function* fill(): AsyncGenerator<Uint8Array> {
      yield fileRecord(Buffer.from("file"), entryMeta(0o666), data);
      yield dirRecord(Buffer.from("sub"), entryMeta(0o777));
      yield upRecord();
      yield symlinkRecord(Buffer.from("link"), entryMeta(0o777), Buffer.from("canary"));
      yield nodeRecord(Buffer.from("pipe"), entryMeta(fileTypes.S_IFIFO | 0o666), { major: 0, minor: 0 });
      yield upRecord();
    }
    async function* input(): AsyncGenerator<Uint8Array> {
      yield rootRecord(entryMeta(0o755));
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < depth; i++) yield dirRecord(Buffer.from("n"), entryMeta(0o755));
        yield* settle(below(depth));
        for (let i = depth; i > 1; i--) await swap(below(i), here.outside, `${below(i)}.0`);
        await swap(below(1), here.outside, `${below(1)}.${round}`);
        rmSync(below(1));
        for (let i = 0; i < depth; i++) yield* fill();
      }
      yield upRecord();
    }
    await unpack(helperPath(), here, input());
    expectUntouched(here);
    for (let round = 0; round < rounds; round++)
      for (let i = 0; i < depth; i++) {
        const made = readdirSync(aside(round, i)).filter((entry) => !/^(?:filler|n)/.test(entry));
        expect(made.sort()).toEqual(["file", "link", "pipe", "sub"]);
      }
  }, 120_000);

  test("swaps the directory of a hard link's target for a link to the host: refused", async () => {
    for (let i = 0; i < 10; i++) {
      const here = scene();
      async function* input(): AsyncGenerator<Uint8Array> {
        yield rootRecord(entryMeta(0o755));
        yield dirRecord(name(i), entryMeta(0o755));
        yield fileRecord(Buffer.from("canary"), entryMeta(0o644), data);
        yield upRecord();
        yield* settle(here.target);
        await swap(path.join(here.target, `n${i}`), here.outside);
        yield linkRecord(Buffer.from("link"), Buffer.from(`n${i}/canary`));
        yield upRecord();
      }
      await expect(unpack(helperPath(), here, input())).rejects.toThrow("cannot create hard link: /link");
      expectUntouched(here);
    }
  });

  const canary = (outside: string): string => path.join(outside, "canary");
  const hostPipe = (): string => {
    const pipe = path.join(temporaryDirectory(), "pipe");
    execFileSync("mkfifo", ["-m", "600", pipe]);
    return pipe;
  };
  const inside: [string, string, Buffer, (outside: string) => string][] = [
    ["a directory and its opening", "mkdirat", dirRecord(name(0), entryMeta(0o777)), (outside) => outside],
    [
      "a pipe and its mode",
      "mknodat",
      nodeRecord(name(0), entryMeta(fileTypes.S_IFIFO | 0o666), { major: 0, minor: 0 }),
      canary,
    ],
    [
      "a pipe and its mode, whose place a pipe of the host's takes",
      "mknodat",
      nodeRecord(name(0), entryMeta(fileTypes.S_IFIFO | 0o666), { major: 0, minor: 0 }),
      hostPipe,
    ],
    ["a link and its owner", "symlinkat", symlinkRecord(name(0), entryMeta(0o777), Buffer.from("x")), canary],
  ];
  test.skipIf(missing("strace") !== "").each(inside)(
    `${missing("strace")}gets in between the making of %s: refused, or done to what was made`,
    async (_what, call, record, to) => {
      // Half a second after the call has made the name, before the helper goes on.
      const strace = `strace -f -qqq -o /dev/null -e trace=${call} -e inject=${call}:delay_exit=500000`;
      const program = temporaryFile(Buffer.from(`#!/bin/sh\nexec ${strace} ${helperPath()} "$@"\n`));
      chmodSync(program, 0o755);
      const here = scene();
      async function* input(): AsyncGenerator<Uint8Array> {
        yield rootRecord(entryMeta(0o755));
        yield record;
        if (call === "mkdirat") yield fileRecord(Buffer.from("file"), entryMeta(0o644), data);
        if (call === "mkdirat") yield upRecord();
        yield upRecord();
      }
      const place = to(here.outside);
      const { mode } = lstatSync(place);
      let over = false;
      const unpacking = unpack(program, here, input()).finally(() => (over = true));
      unpacking.catch(() => undefined);
      expect(await swap(path.join(here.target, "n0"), place, undefined, () => over)).toBe(true);
      expect(over).toBe(false);
      await unpacking.catch(() => undefined);
      expectUntouched(here);
      expect(lstatSync(place).mode).toBe(mode);
    },
  );
});
