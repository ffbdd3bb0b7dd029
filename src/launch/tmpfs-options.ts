import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { TmpfsMount } from "./options/files.js";

/** Docker's for every tmpfs it is asked for (docker/docker pkg/mount `defaultTmpfsOptions`). */
const defaults = ["noexec", "nosuid", "nodev"];

/** mount(8) and tmpfs(5). Ids and sizes are checked by the kernel, which knows what they may be. */
const words = /^(?:rw|ro|exec|noexec|suid|nosuid|nodev|noatime|nodiratime|relatime|strictatime)$/;
const settings = /^(?:size|nr_blocks|nr_inodes|mode|uid|gid|huge|mpol)=[A-Za-z0-9%:_=-]+$/;

/** @throws UsageError BAD_VALUE */
export function checkTmpfsOptions({ target, options = [] }: TmpfsMount): void {
  const unknown = options.find((option) => !words.test(option) && !settings.test(option));
  if (unknown === undefined) return;
  const hint =
    unknown === "dev" ? "devices come with --device; what a container can write to never has any" : undefined;
  throw new UsageError(
    "BAD_VALUE",
    `tmpfs: ${printable(target)}: option ${printable(unknown, 60)} is unknown (expected one of tmpfs(5), such as size=64m)`,
    hint === undefined ? {} : { hint },
  );
}

/** Docker's defaults, without those the options take back. */
export function tmpfsOptions({ options = [], readOnly = false }: TmpfsMount): string[] {
  const kept = defaults.filter((word) => !options.includes(word) && !options.includes(word.slice(2)));
  return [...kept, ...options.filter((option) => option !== "rw"), ...(readOnly ? ["ro"] : [])];
}
