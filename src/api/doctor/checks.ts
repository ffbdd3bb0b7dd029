import { cgroupCheck } from "./cgroup-check.js";
import type { MachineFacts, ProgramName } from "./facts.js";

/** `gap`: something works less well or not at all; `broken`: nothing can run until it is mended. */
export interface Check {
  readonly name: string;
  readonly state: "ok" | "gap" | "broken";
  readonly observed: string;
  /** What to do about it, a command where there is one. */
  readonly fix?: string;
}

/** One check a subject, in the order in which a run needs them. */
export function checkMachine(facts: MachineFacts): Check[] {
  return [
    helperCheck(facts),
    namespaceCheck(facts),
    ...(facts.uid === 0 ? [] : [subordinateCheck(facts)]),
    overlayCheck(facts),
    ...(facts.privilege.kind === "root" ? [erofsCheck(facts)] : []),
    cgroupCheck(facts),
    networkCheck(facts),
    storeCheck(facts),
    spaceCheck(facts),
  ];
}

function helperCheck({ helperProblem }: MachineFacts): Check {
  const name = "helper";
  if (helperProblem === undefined) return { name, state: "ok", observed: "there and executable" };
  const fix = "npm run build (needs gcc or clang, make and libc6-dev)";
  return { name, state: "broken", observed: helperProblem, fix };
}

function namespaceCheck(facts: MachineFacts): Check {
  const name = "namespaces";
  const { privilege, namespaceProblem, settings } = facts;
  if (privilege.kind !== "confined" && namespaceProblem === undefined) {
    const how = privilege.kind === "root" ? "as root" : "in user namespaces";
    return { name, state: "ok", observed: `${how}, Linux ${facts.kernel}` };
  }
  const observed = privilege.kind === "confined" ? privilege.reason : (namespaceProblem ?? "");
  // As root there is still --isolation chroot.
  const state = facts.uid === 0 && facts.helperProblem === undefined ? "gap" : "broken";
  return { name, state, observed, fix: namespaceFix(facts, settings) };
}

function namespaceFix(facts: MachineFacts, settings: MachineFacts["settings"]): string {
  if (settings.unprivilegedClone === "0") return "sudo sysctl -w kernel.unprivileged_userns_clone=1";
  if (settings.maxNamespaces === "0") return "sudo sysctl -w user.max_user_namespaces=28633";
  if (settings.apparmorRestricts === "1") {
    return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with `userns,` for the helper";
  }
  if (facts.uid === 0)
    return "run outside of this container, or with --isolation chroot, which is no sandbox";
  return "run outside of this container, or with sudo";
}

function subordinateCheck({ privilege, programs, user, uid }: MachineFacts): Check {
  const name = "subordinate ids";
  if (privilege.kind === "subordinate") {
    const count = privilege.uidMap.reduce((sum, range) => sum + range.count, 0);
    return { name, state: "ok", observed: `${count} uids for containers` };
  }
  const absent = (["newuidmap", "newgidmap"] as const).filter((program) => programs[program] === undefined);
  if (absent.length > 0) {
    const observed = `${absent.join(" and ")} not installed: all files of images belong to one user`;
    return { name, state: "gap", observed, fix: "sudo apt-get install uidmap (shadow-utils elsewhere)" };
  }
  // newuidmap(1) looks its caller up, whatever /etc/subuid says.
  if (user === String(uid)) {
    const observed = `uid ${uid} has no name in /etc/passwd: all files of images belong to one user`;
    const fix = `sudo useradd -u ${uid} NAME; and if /etc/subuid has no line of NAME then: echo NAME:100000:65536 | sudo tee -a /etc/subuid /etc/subgid`;
    return { name, state: "gap", observed, fix };
  }
  const observed = `none for ${user}: all files of images belong to one user`;
  const fix = `echo ${user}:100000:65536 | sudo tee -a /etc/subuid /etc/subgid`;
  return { name, state: "gap", observed, fix };
}

function overlayCheck({ filesystems, kernel }: MachineFacts): Check {
  const name = "overlay";
  if (filesystems.includes("overlay")) return { name, state: "ok", observed: "in the kernel" };
  const observed = `not in this kernel (${kernel}), or not loaded`;
  return { name, state: "gap", observed, fix: "sudo modprobe overlay" };
}

function erofsCheck({ filesystems }: MachineFacts): Check {
  const name = "erofs";
  if (filesystems.includes("erofs"))
    return { name, state: "ok", observed: "in the kernel: images are not unpacked" };
  const observed = "not in this kernel, or not loaded: images are unpacked into directories";
  return { name, state: "gap", observed, fix: "sudo modprobe erofs" };
}

function networkCheck({ privilege, programs }: MachineFacts): Check {
  const name = "network";
  if (privilege.kind === "root") {
    const absent = (["ip", "nft"] as const).filter((program) => programs[program] === undefined);
    if (absent.length === 0) return { name, state: "ok", observed: "bridge, with nft" };
    const packages = absent.map((program) => ({ ip: "iproute2", nft: "nftables" })[program]).join(" ");
    const observed = `no ${absent.join(" and ")}: containers have no network of their own`;
    return { name, state: "gap", observed, fix: `sudo apt-get install ${packages}` };
  }
  const user: readonly ProgramName[] = ["pasta", "slirp4netns"];
  const found = user.find((program) => programs[program] !== undefined);
  if (found !== undefined) return { name, state: "ok", observed: found };
  const observed = "neither pasta nor slirp4netns: containers have no network of their own";
  return { name, state: "gap", observed, fix: "sudo apt-get install passt" };
}

function storeCheck({ store }: MachineFacts): Check {
  const name = "store";
  if (store.problem !== undefined) {
    return {
      name,
      state: "broken",
      observed: store.problem,
      fix: "name another with --root DIR or PULLRUN_ROOT",
    };
  }
  return {
    name,
    state: "ok",
    observed: `${store.path}, ${store.images} image${store.images === 1 ? "" : "s"}`,
  };
}

/** A middling image takes as much while it is pulled. */
const littleSpace = 1024 ** 3;

function spaceCheck({ store }: MachineFacts): Check {
  const name = "disk space";
  if (store.free === undefined) return { name, state: "gap", observed: `unknown for ${store.path}` };
  const observed = `${(store.free / 1e9).toFixed(1)} GB free for the store`;
  if (store.free >= littleSpace) return { name, state: "ok", observed };
  return { name, state: "gap", observed, fix: "pullrun prune, or put the store elsewhere with --root" };
}
