import { printable } from "../../core/text.js";
import type { SeccompFile } from "../seccomp-parse.js";
import { badValue } from "./bad-value.js";

/** How far the container is kept apart. */
export interface IsolationOptions {
  readonly isolation: "namespaces" | "chroot";
  /** Docker's default profile unless given. */
  readonly seccomp?: "unconfined" | SeccompFile;
  /** Neither setuid programs nor file capabilities give a process more than it has. */
  readonly noNewPrivileges?: boolean;
  /** Nothing of /proc and /sys is hidden or read-only. */
  readonly unmasked?: boolean;
  /** All we may do ourselves, all devices, nothing hidden, no seccomp. */
  readonly privileged?: boolean;
  /** On top of docker's 14 and less than them: names with or without `CAP_`, or `ALL`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  /** Settings of its namespaces by name, `net.ipv4.ip_forward`. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Whether its first process is ours, which reaps what others leave, and the command is the second. */
  readonly init?: boolean;
  readonly pid?: SharedNamespace;
  readonly ipc?: SharedNamespace;
  readonly uts?: "host";
  readonly cgroupns?: "host";
}

/** The machine's own, or that of another container. */
export type SharedNamespace = "host" | `container:${string}`;

/** The name or id in `container:NAME`. */
export function sharedContainer(mode: SharedNamespace | undefined): string | undefined {
  return mode?.startsWith("container:") === true ? mode.slice("container:".length) : undefined;
}

/** @throws UsageError BAD_VALUE */
export function checkIsolationOptions({ pid, ipc }: IsolationOptions): void {
  for (const [flag, mode] of [
    ["--pid", pid],
    ["--ipc", ipc],
  ] as const) {
    if (mode !== undefined && mode !== "host" && !/^container:./.test(mode))
      throw badValue(flag, printable(mode, 80), "private, host or container:NAME");
  }
}
