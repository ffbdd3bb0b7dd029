import type { Check } from "./checks.js";
import type { MachineFacts } from "./facts.js";

/** What limits take. */
const wanted = ["memory", "cpu", "pids", "cpuset", "io"] as const;
/** v1's name for it. */
const aliases: Readonly<Record<string, string>> = { io: "blkio" };

export function cgroupCheck({ hierarchies, uid }: MachineFacts): Check {
  const name = "cgroups";
  if (hierarchies.length === 0) {
    const fix = "mount -t cgroup2 cgroup2 /sys/fs/cgroup, or run where that is mounted";
    return { name, state: "gap", observed: "none mounted: no limits", fix };
  }
  const usable = hierarchies.filter(({ writable }) => writable).flatMap(({ controllers }) => controllers);
  const missing = wanted.filter((controller) => !has(usable, controller));
  const version = versionOf(hierarchies);
  if (missing.length === 0) return { name, state: "ok", observed: `${version}, all controllers for limits` };
  const observed = `${version}, not for us: ${missing.join(", ")}`;
  return { name, state: "gap", observed, fix: fixFor({ uid, hierarchies, missing }) };
}

function has(controllers: readonly string[], name: string): boolean {
  return controllers.includes(name) || controllers.includes(aliases[name] ?? name);
}

function versionOf(hierarchies: MachineFacts["hierarchies"]): string {
  const versions = new Set(hierarchies.map(({ version }) => version));
  return versions.size === 2 ? "v1 and v2" : versions.has(2) ? "v2" : "v1";
}

function fixFor(
  problem: Pick<MachineFacts, "uid" | "hierarchies"> & { readonly missing: readonly string[] },
): string {
  const { uid, hierarchies, missing } = problem;
  const known = hierarchies.flatMap(({ controllers }) => controllers);
  const absent = missing.filter((controller) => !has(known, controller));
  if (uid === 0 && absent.length > 0) {
    return absent.includes("memory")
      ? "start the kernel with cgroup_enable=memory"
      : `a kernel, or a cgroup above ours, that hands down ${absent.join(", ")}`;
  }
  if (uid === 0) return "run outside of this container, which cannot write its cgroups";
  if (versionOf(hierarchies) !== "v2") return "run with sudo: cgroup v1 cannot be delegated to users";
  const file = "/etc/systemd/system/user@.service.d/delegate.conf";
  return (
    "systemd-run --user --scope -p Delegate=yes pullrun …; for all controllers put " +
    `[Service] Delegate=cpu cpuset io memory pids into ${file} and log in again`
  );
}
