import path from "node:path";
import type { FileMount, FileOptions } from "../../launch/options/files.js";
import type { FlagSpec, Invocation } from "../command.js";
import { parseDeviceFlag } from "../mounts/device-flag.js";
import { parseDeviceRule } from "../mounts/device-rule-flag.js";
import { parseMountFlag } from "../mounts/mount-flag.js";
import { parseTmpfsFlag } from "../mounts/tmpfs-flag.js";
import { parseVolumeFlag } from "../mounts/volume-flag.js";
import { limit, parseSize } from "../values.js";
import { given } from "./given.js";

export const fileFlags: readonly FlagSpec[] = [
  { flags: "--read-only", description: "mount the root file system read-only" },
  {
    flags: "-v, --volume <[source:]target[:options]>",
    description: "mount a directory or file of this machine, or a volume",
    repeat: true,
  },
  {
    flags: "--mount <key=value,...>",
    description: "the same spelt out: type=bind|volume|tmpfs,source=,target=,readonly, …",
    repeat: true,
  },
  { flags: "--tmpfs <path[:options]>", description: "mount an empty directory in memory", repeat: true },
  {
    flags: "--device <node[:path][:rwm]>",
    description: "let it use a device of this machine, or all in a directory",
    repeat: true,
  },
  {
    flags: "--device-cgroup-rule <rule>",
    description: "let it use devices whatever their nodes are: 'c 189:* rwm'",
    repeat: true,
  },
  { flags: "--shm-size <bytes>", description: "size of /dev/shm (64m)" },
];

/** @throws UsageError */
export function fileOptionsOf(invocation: Invocation): FileOptions {
  const { flags } = invocation;
  const mounts = mountsOf(invocation);
  const devices = flags.list("device").map(parseDeviceFlag);
  const deviceRules = flags.list("device-cgroup-rule").flatMap(parseDeviceRule);
  return {
    readOnly: flags.on("read-only"),
    ...given("mounts", mounts.length === 0 ? undefined : mounts),
    ...given("devices", devices.length === 0 ? undefined : devices),
    ...given("deviceRules", deviceRules.length === 0 ? undefined : deviceRules),
    ...given("shmSize", limit(flags, "shm-size", parseSize)),
  };
}

function mountsOf({ flags, note }: Invocation): FileMount[] {
  const volumes = flags.list("volume").map((text) => parseVolumeFlag(text, path.resolve));
  for (const line of volumes.flatMap(({ notes }) => notes)) note(line);
  return [
    ...volumes.map(({ mount }) => mount),
    ...flags.list("mount").map((text) => parseMountFlag(text, path.resolve)),
    ...flags.list("tmpfs").map(parseTmpfsFlag),
  ];
}
