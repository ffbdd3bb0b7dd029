/** What of the machine's state may explain that user namespaces are refused. "": the kernel has no such file. */
export interface DenialFacts {
  /** /proc/sys/kernel/unprivileged_userns_clone (Debian, Arch) */
  readonly unprivilegedClone: string;
  /** /proc/sys/user/max_user_namespaces */
  readonly maxNamespaces: string;
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns (Ubuntu 23.10 on) */
  readonly apparmorRestricts: string;
  /** /proc/self/status */
  readonly status: string;
}

/** One line: the observed failure and, where it can be told, the setting behind it. */
export function explainDenial(failure: string, facts: DenialFacts): string {
  const cause = causeOf(facts);
  return cause === undefined ? failure : `${failure} (${cause})`;
}

function causeOf(facts: DenialFacts): string | undefined {
  if (facts.unprivilegedClone.trim() === "0") return "kernel.unprivileged_userns_clone is 0";
  if (facts.maxNamespaces.trim() === "0") return "user.max_user_namespaces is 0";
  if (facts.apparmorRestricts.trim() === "1") return "kernel.apparmor_restrict_unprivileged_userns is 1";
  // 2: SECCOMP_MODE_FILTER, proc(5).
  if (statusField(facts.status, "Seccomp") === "2")
    return "a seccomp filter is active: we are inside a sandbox";
  return undefined;
}

/** A field of /proc/self/status. */
export function statusField(status: string, name: string): string | undefined {
  const line = status.split("\n").find((text) => text.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

/** Whether the effective set of /proc/self/status has the capability of this number. */
export function hasCapability(status: string, capability: number): boolean {
  const effective = statusField(status, "CapEff") ?? "";
  return /^[0-9a-f]+$/.test(effective) && ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n;
}
