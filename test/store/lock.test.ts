import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { removeLockDirectory, withLock } from "../../src/store/lock.js";
import { helper, needsHelper, temporaryDirectory } from "../support/store.js";

describe.skipIf(needsHelper !== "")(`${needsHelper}locks`, () => {
  test("let one at a time in, although every holder deletes the lock's directory", async () => {
    const directory = path.join(temporaryDirectory(), "locked");
    const file = path.join(directory, "lock");
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside--;
      // The last thing a holder does: from then on there is another lock, which is free.
      await removeLockDirectory(file);
    };
    await Promise.all(
      Array.from({ length: 12 }, () => withLock({ helper, file }, { makeDirectory: true }, work)),
    );
    expect(most).toBe(1);
    expect(existsSync(directory)).toBe(false);
  });

  test("are given back when the work fails", async () => {
    const file = path.join(temporaryDirectory(), "lock");
    const failing = withLock({ helper, file }, {}, () => Promise.reject(new Error("work failed")));
    await expect(failing).rejects.toThrow("work failed");
    expect(await withLock({ helper, file }, {}, async () => "next")).toBe("next");
  });

  test("are not taken after an abort", async () => {
    const directory = path.join(temporaryDirectory(), "d");
    mkdirSync(directory);
    const abort = new AbortController();
    abort.abort();
    const file = path.join(directory, "lock");
    await expect(withLock({ helper, file }, { signal: abort.signal }, async () => 1)).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });
});
