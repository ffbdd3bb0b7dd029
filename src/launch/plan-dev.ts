import { fileTypes, mountFlags } from "../helper/constants.js";
import type { PlanStep } from "../helper/plan.js";
import type { DeviceNode } from "./oci-spec.js";

const nodes = ["null", "zero", "full", "random", "urandom", "tty"];

/** crun and runc make the same; `core` only leads to what is masked. */
const links: readonly (readonly [name: string, text: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
  ["core", "/proc/kcore"],
];

/**
 * What a container finds in a fresh /dev: the host's own six harmless nodes, bound one by one, and links.
 *
 * Bound, not made: a container's root has CAP_MKNOD, so every mount it can write to is `nodev` here, /dev itself and
 * the root included, and a node it makes (`mknod sda b 8 0`) or an image brings opens nothing. That holds on cgroup
 * v1, v2 and none, where docker's device cgroup needs one of them. The binds are read-only so that a chmod in the
 * container cannot change the host's /dev/null; devices can be written through a read-only mount. The spec's further
 * devices are made.
 */
export function devSteps(devices: readonly DeviceNode[]): PlanStep[] {
  const flags = mountFlags.MS_RDONLY | mountFlags.MS_NOSUID | mountFlags.MS_NOEXEC;
  return [
    ...nodes.map((name): PlanStep => ({
      kind: "bind",
      source: `/dev/${name}`,
      target: `/dev/${name}`,
      flags,
    })),
    ...links.map(([name, text]): PlanStep => ({ kind: "symlink", text, target: `/dev/${name}` })),
    ...devices.filter(({ path }) => !nodes.some((name) => path === `/dev/${name}`)).flatMap(deviceNodeSteps),
  ];
}

/** With the directories on the way, one by one. */
function deviceNodeSteps({ path, type, major, minor, fileMode, uid, gid }: DeviceNode): PlanStep[] {
  const names = path.split("/").slice(2, -1);
  const parents = names.map((_, index) => ["/dev", ...names.slice(0, index + 1)].join("/"));
  const mode = (type === "c" ? fileTypes.S_IFCHR : fileTypes.S_IFBLK) | fileMode;
  return [
    ...parents.map((target): PlanStep => ({ kind: "mkdir", target, mode: 0o755, uid: 0, gid: 0 })),
    { kind: "mknod", target: path, mode, major, minor, uid, gid },
  ];
}

/** linux/Documentation/admin-guide/devices.txt: memory devices, and the controlling terminal. */
const numbers: readonly (readonly [name: string, major: number, minor: number])[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
];

/** Nodes in a /dev that is a plain directory, each left out where the sandbox does not allow it. */
export function devNodeSteps(): PlanStep[] {
  return [
    { kind: "mkdir", target: "/dev", mode: 0o755, uid: 0, gid: 0 },
    ...numbers.map(([name, major, minor]): PlanStep => ({
      kind: "mknod",
      target: `/dev/${name}`,
      mode: fileTypes.S_IFCHR | 0o666,
      major,
      minor,
      uid: 0,
      gid: 0,
      optional: true,
    })),
  ];
}
