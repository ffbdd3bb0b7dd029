import { mountFlags } from "../helper/constants.js";

/** A spec mount's options as mount(2) takes them: flags, and the rest for the filesystem. */
export interface MountOptions {
  readonly flags: number;
  readonly data: string;
}

/** runtime-spec config.md, "Linux mount options"; 0 for what the helper does to every mount anyway. */
const flagOptions: ReadonlyMap<string, number> = new Map([
  ["ro", mountFlags.MS_RDONLY],
  // Our binds are read-only all the way down where they bring what is mounted below, without being told.
  ["rro", mountFlags.MS_RDONLY],
  ["rw", 0],
  ["exec", 0],
  ["suid", 0],
  ["nosuid", mountFlags.MS_NOSUID],
  ["nodev", mountFlags.MS_NODEV],
  ["noexec", mountFlags.MS_NOEXEC],
  ["noatime", mountFlags.MS_NOATIME],
  ["nodiratime", mountFlags.MS_NODIRATIME],
  ["relatime", mountFlags.MS_RELATIME],
  ["strictatime", mountFlags.MS_STRICTATIME],
  ["bind", 0],
  ["rbind", mountFlags.MS_REC],
  ["private", 0],
  ["rprivate", 0],
]);

export function parseMountOptions(options: readonly string[]): MountOptions {
  const known = options.map((option) => flagOptions.get(option) ?? 0);
  return {
    flags: known.reduce((all, flag) => all | flag, 0),
    data: options.filter((option) => !flagOptions.has(option)).join(","),
  };
}
