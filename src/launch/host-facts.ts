import { readFileSync, readdirSync } from "node:fs";
import { hostname, release } from "node:os";
import { parseOwnCapabilities, type OwnCapabilities } from "./capabilities.js";
import { hasSwapAccounting, readCgroupHost, type CgroupHost } from "./cgroup-host.js";

/** What a spec and a plan take from the machine it is made on. */
export interface HostFacts {
  readonly hostname: string;
  /** Node's word for the architecture: `x64`, `arm64`. */
  readonly arch: string;
  /** The release, `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** The host's /etc/resolv.conf, "" where it has none. */
  readonly resolvConf: string;
  /** Per-CPU sysfs directories whose counters are a side channel between containers (moby daemon/pkg/oci). */
  readonly thermalThrottle: readonly string[];
  /** Whether the kernel can limit swap. */
  readonly swapAccounting: boolean;
  readonly own: OwnCapabilities;
  readonly cgroupHost: CgroupHost;
}

export function readHostFacts(): HostFacts {
  const cgroupHost = readCgroupHost();
  return {
    hostname: hostname(),
    arch: process.arch,
    kernel: release(),
    resolvConf: readText("/etc/resolv.conf"),
    thermalThrottle: thermalPaths(),
    swapAccounting: hasSwapAccounting(cgroupHost),
    own: readOwnCapabilities(),
    cgroupHost,
  };
}

export function readOwnCapabilities(): OwnCapabilities {
  return parseOwnCapabilities(readText("/proc/self/status"));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function thermalPaths(): string[] {
  const base = "/sys/devices/system/cpu";
  try {
    return readdirSync(base)
      .filter((name) => /^cpu[0-9]+$/.test(name))
      .filter((cpu) => readdirSync(`${base}/${cpu}`).includes("thermal_throttle"))
      .map((cpu) => `${base}/${cpu}/thermal_throttle`);
  } catch {
    return [];
  }
}
