/**
 * The cgroup hierarchies this process sees. Each is looked at by itself: a host may have memory on v1 and pids on v2,
 * and "hybrid" as a property of the host would be wrong for one of them.
 */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** v1: from its mount options. v2: empty, they are in `cgroup.controllers`. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** Whether the mount shows the hierarchy (or our cgroup namespace) from its root. */
  readonly whole: boolean;
  /** Absolute host directory of our own cgroup; the mount point where it cannot be reached from there. */
  readonly own: string;
}

/** v1 hierarchies with controllers (named ones like systemd's carry none) and v2, each once. */
export function parseHierarchies(mountinfo: string, selfCgroup: string): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const mount of mountinfo.split("\n").flatMap(parseMount)) {
    const key = mount.controllers.join(",");
    const known = found.get(key);
    if (known?.whole === true || (known !== undefined && mount.root !== "/")) continue;
    found.set(key, {
      version: mount.version,
      controllers: mount.controllers,
      mountPoint: mount.mountPoint,
      whole: mount.root === "/",
      own: ownDirectory(mount, ownPath(selfCgroup, mount.controllers)),
    });
  }
  return [...found.values()];
}

/** Where the v1 hierarchies without controllers are, which only other runtimes use: systemd's. */
export function namedHierarchies(mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .filter((line) => / - cgroup .*\bname=/.test(line))
    .map((line) => unescape(line.split(" ")[4] ?? ""));
}

interface CgroupMount {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly root: string;
  readonly mountPoint: string;
}

/** Mount options of a v1 superblock that are not controllers (kernel cgroup-v1.c `cgroup1_show_options`). */
const notControllers =
  /^(?:rw|ro|noprefix|clone_children|xattr|cpuset_v2_mode|none|favordynmods)$|=|^seclabel$/;

/** proc(5), /proc/PID/mountinfo: `ID PARENT DEV ROOT MOUNTPOINT OPTIONS [TAGS…] - TYPE SOURCE SUPEROPTIONS`. */
function parseMount(line: string): CgroupMount[] {
  const [before = "", after = ""] = line.split(" - ");
  const [, , , root = "", mountPoint = ""] = before.split(" ");
  const [type = "", , options = ""] = after.split(" ");
  const place = { root: unescape(root), mountPoint: unescape(mountPoint) };
  if (type === "cgroup2") return [{ version: 2, controllers: [], ...place }];
  if (type !== "cgroup") return [];
  const controllers = options.split(",").filter((option) => !notControllers.test(option));
  return controllers.length === 0 ? [] : [{ version: 1, controllers, ...place }];
}

/** Spaces, tabs, newlines and backslashes are octal in mountinfo. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** cgroups(7), /proc/PID/cgroup: `ID:CONTROLLERS:PATH`, v2 is `0::PATH`. */
function ownPath(selfCgroup: string, controllers: readonly string[]): string {
  const wanted = controllers.toSorted().join(",");
  for (const line of selfCgroup.split("\n")) {
    const [, names = "", ...path] = line.split(":");
    if (path.length > 0 && names.split(",").toSorted().join(",") === wanted) return path.join(":");
  }
  return "/";
}

/** A path above the cgroup namespace's root reads `/../…` and cannot be reached. */
function ownDirectory(mount: CgroupMount, path: string): string {
  const { root, mountPoint } = mount;
  if (path.split("/").includes("..") || root.split("/").includes("..")) return mountPoint;
  const prefix = root === "/" ? "" : root;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return mountPoint;
  return `${mountPoint}${path.slice(prefix.length)}`.replace(/\/$/, "");
}
