import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { TmpfsMount } from "./options/files.js";

/** Docker's for every tmpfs it is asked for (docker/docker pkg/mount `defaultTmpfsOptions`). */
const defaults = ["noexec", "nosuid", "nodev"];

/** mount(8) and tmpfs(5). What ids there are is checked by the kernel. */
const words = /^(?:rw|ro|exec|noexec|suid|nosuid|nodev|noatime|nodiratime|relatime|strictatime)$/;
const settings: ReadonlyMap<string, readonly [form: RegExp, expected: string]> = new Map([
  ["size", [/^[0-9]+[kmgtpe%]?$/i, "a size such as 64m or 50%"]],
  ["nr_blocks", [/^[0-9]+[kmgtpe]?$/i, "a number such as 16k"]],
  ["nr_inodes", [/^[0-9]+[kmgtpe]?$/i, "a number such as 16k"]],
  ["mode", [/^[0-7]{1,4}$/, "an octal mode such as 1777"]],
  ["uid", [/^[0-9]+$/, "a number"]],
  ["gid", [/^[0-9]+$/, "a number"]],
  ["huge", [/^[a-z_]+$/, "never, always, within_size or advise"]],
  ["mpol", [/^[A-Za-z0-9:=_-]+$/, "a policy of tmpfs(5)"]],
]);

/** @throws UsageError BAD_VALUE */
export function checkTmpfsOptions({ target, options = [] }: TmpfsMount): void {
  for (const option of options) {
    const problem = problemOf(option);
    if (problem === undefined) continue;
    const message = `tmpfs: ${printable(target)}: option ${printable(option, 60)} ${problem}`;
    throw new UsageError("BAD_VALUE", message, option === "dev" ? { hint: noDevices } : {});
  }
}

const noDevices = "devices come with --device; what a container can write to never has any";

function problemOf(option: string): string | undefined {
  if (words.test(option)) return undefined;
  const [, key = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(option) ?? [];
  const setting = settings.get(key);
  if (setting === undefined) return "is unknown (expected one of tmpfs(5), such as size=64m)";
  const [form, expected] = setting;
  return form.test(value) ? undefined : `cannot be (expected ${expected})`;
}

/** Docker's defaults, without those the options take back. */
export function tmpfsOptions({ options = [], readOnly = false }: TmpfsMount): string[] {
  const kept = defaults.filter((word) => !options.includes(word) && !options.includes(word.slice(2)));
  return [...kept, ...options.filter((option) => option !== "rw"), ...(readOnly ? ["ro"] : [])];
}
