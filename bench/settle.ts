import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { mustRun } from "../test/support/tools.js";

const pollMs = 100;
/** Quiet for half a second; where other programs write all the time it is as quiet as it gets. */
const quietPolls = 5;
const mostPolls = 150;

/**
 * One page cache and one idle disk for everybody: before a run starts, what the last one wrote is on the disk, and what was
 * deleted after it has been discarded there, which goes on for seconds after `sync` has returned.
 */
export async function settle(): Promise<void> {
  await mustRun("sync", []);
  let before = "";
  for (let polls = 0, quiet = 0; quiet < quietPolls && polls < mostPolls; polls++) {
    await setTimeout(pollMs);
    const now = readFileSync("/proc/diskstats", "utf8");
    quiet = now === before ? quiet + 1 : 0;
    before = now;
  }
}
