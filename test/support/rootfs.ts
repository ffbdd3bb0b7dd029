import type { ErofsLower } from "../../src/helper/lower.js";
import type { Rootfs } from "../../src/store/rootfs.js";

/** What the directories driver made. */
export function directoriesOf({ lowers }: Rootfs): string[] {
  return lowers.map((lower) => {
    if (typeof lower !== "string") throw new Error("not a directory");
    return lower;
  });
}

/** What the erofs driver made. */
export function erofsOf({ lowers: [lower, ...others] }: Rootfs): ErofsLower {
  if (lower === undefined || typeof lower === "string" || others.length > 0) throw new Error("not one image");
  return lower;
}
