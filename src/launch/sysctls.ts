import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { NamespaceType } from "./oci-spec.js";

/** What each namespace has of its own (moby daemon, runc validate): nothing else under /proc/sys is the container's. */
const namespaced: readonly (readonly [namespace: NamespaceType, pattern: RegExp])[] = [
  ["ipc", /^kernel\/(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/],
  ["ipc", /^fs\/mqueue\/[a-z_]+$/],
  ["network", /^net(?:\/[A-Za-z0-9_.@:-]+)+$/],
  ["uts", /^kernel\/domainname$/],
];

/**
 * The spec's `linux.sysctl`. What docker sets in a network namespace: any user may listen below port 1024 and, where
 * all groups exist, ping.
 * @param asked as given, `net.ipv4.ip_forward` or with slashes
 * @param own the container's own namespaces
 * @throws UsageError BAD_VALUE for a setting that is the whole machine's (CVE-2022-0811)
 */
export function sysctlsOf(
  asked: Readonly<Record<string, string>>,
  own: readonly NamespaceType[],
): Readonly<Record<string, string>> {
  for (const [key, value] of Object.entries(asked)) check(key, value, own);
  const network = own.includes("network")
    ? {
        ...(own.includes("user") ? {} : { "net.ipv4.ping_group_range": "0 2147483647" }),
        "net.ipv4.ip_unprivileged_port_start": "0",
      }
    : {};
  return { ...network, ...asked };
}

/**
 * The key's path below /proc/sys, as sysctl(8) reads it: whichever of `.` and `/` comes first separates, so that
 * `net.ipv4.conf.eth0/1.forwarding` and `net/ipv4/conf/eth0.1/forwarding` are the same.
 */
export function sysctlPath(key: string): string {
  if (/^[^.]*\//.test(key)) return key;
  return key.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

function check(key: string, value: string, own: readonly NamespaceType[]): void {
  const path = sysctlPath(key);
  const kind = namespaced.find(([, pattern]) => pattern.test(path))?.[0];
  const shown = `--sysctl: ${printable(key, 100)}`;
  if (kind === undefined || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new UsageError(
      "BAD_VALUE",
      `${shown}: not a setting of a namespace (expected kernel.shm*, …, fs.mqueue.* or net.*)`,
      {
        hint: "what is the whole machine's is set on the machine, with sysctl(8)",
      },
    );
  }
  if (!own.includes(kind)) {
    throw new UsageError(
      "BAD_VALUE",
      `${shown}: the container shares the host's ${kind} namespace (expected its own)`,
    );
  }
  if (!/^[\x20-\x7e\t]*$/.test(value)) {
    throw new UsageError("BAD_VALUE", `${shown}: ${printable(value, 60)} (expected one line of plain text)`);
  }
}
