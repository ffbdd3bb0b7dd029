import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryPrefix } from "./files.js";
import type { StorePaths } from "./layout.js";

/** A file of a gigabyte takes the kernel up to a second. */
const removalMs = 5_000;
const pollMs = 50;

/**
 * Waits, some seconds at most, for removals that go on in the background (delete-content.ts): their space is about to be
 * free. False if there are none.
 */
export async function waitForRemovals(paths: StorePaths): Promise<boolean> {
  let waited = 0;
  for (; waited < removalMs && (await anyGoesOn(paths)); waited += pollMs) await sleep(pollMs);
  return waited > 0;
}

async function anyGoesOn({ blobs, layers, rootfs }: StorePaths): Promise<boolean> {
  const going = await Promise.all([blobs, layers, rootfs].map(changesIn));
  // One that was killed changes no more.
  return going.flat().some((changed) => Date.now() - changed < removalMs);
}

async function changesIn(directory: string): Promise<number[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(temporaryPrefix));
  return Promise.all(names.map((name) => changedAt(path.join(directory, name))));
}

/** Milliseconds since 1970, of a rename too; 0 for what is gone. */
async function changedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ ctimeMs }) => ctimeMs,
    () => 0,
  );
}
