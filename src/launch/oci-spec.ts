/** The part of the OCI runtime specification 1.0.2 (config.md, config-linux.md) that pullrun writes. */

import type { Seccomp } from "./seccomp-profile.js";

export interface Spec {
  readonly ociVersion: "1.0.2";
  readonly process: Process;
  readonly root: { readonly path: string; readonly readonly: boolean };
  /** Only in a uts namespace of its own: runtimes refuse it elsewhere. */
  readonly hostname?: string;
  readonly mounts: readonly Mount[];
  readonly linux: Linux;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Process {
  readonly terminal: boolean;
  readonly user: ProcessUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  readonly rlimits?: readonly Rlimit[];
  readonly oomScoreAdj?: number;
}

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
  /** 0022 unless given. */
  readonly umask?: number;
}

export interface Rlimit {
  /** `RLIMIT_NOFILE`. */
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** Names such as `CAP_CHOWN`; a set that is missing is empty. */
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly effective?: readonly string[];
  readonly permitted?: readonly string[];
}

export interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  /** As mount(8) spells them; unknown ones are the filesystem's own. */
  readonly options: readonly string[];
}

export type NamespaceType = "mount" | "pid" | "uts" | "ipc" | "network" | "cgroup" | "user";

export interface Linux {
  /** Those with a path exist already. */
  readonly namespaces: readonly { readonly type: NamespaceType; readonly path?: string }[];
  readonly uidMappings?: readonly OciIdMapping[];
  readonly gidMappings?: readonly OciIdMapping[];
  /** To be made in /dev, beyond those every container has. */
  readonly devices?: readonly DeviceNode[];
  readonly cgroupsPath: string;
  readonly resources: Resources;
  /** Keys with dots, as sysctl(8) has them. */
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: Seccomp;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

export interface OciIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** `devices` among them is who may use which, not a limit. */
export interface Resources extends LimitResources {
  readonly devices: readonly DeviceRule[];
}

export interface LimitResources {
  readonly memory?: MemoryLimits;
  readonly pids?: { readonly limit: number };
  readonly cpu?: CpuLimits;
  readonly blockIO?: { readonly weight: number };
}

/** Bytes, -1 for no limit; `swap` is memory and swap together. */
export interface MemoryLimits {
  readonly limit?: number;
  readonly swap?: number;
  readonly reservation?: number;
  readonly disableOOMKiller?: boolean;
}

export interface CpuLimits {
  readonly shares?: number;
  /** Microseconds of CPU time per period of microseconds. */
  readonly quota?: number;
  readonly period?: number;
  /** `0-3,7`. */
  readonly cpus?: string;
  readonly mems?: string;
}

export interface DeviceNode {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Without the type. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Without a type for all devices; a number left out is any. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: "c" | "b";
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}
