import type { ImageConfig, ProcessConfig } from "../../src/core/image-config.js";
import type { Privilege } from "../../src/helper/privilege.js";
import type { HostFacts } from "../../src/launch/host-facts.js";
import type { RunOptions } from "../../src/launch/run-options.js";
import { createSpec, type SpecInput } from "../../src/launch/spec.js";
import type { Spec } from "../../src/launch/oci-spec.js";

export const containerId = "0123456789abcdef".repeat(4);

export function processConfig(wanted: Partial<ProcessConfig> = {}): ProcessConfig {
  return {
    user: "",
    env: [],
    entrypoint: [],
    cmd: ["/hello"],
    workingDir: "",
    volumes: [],
    exposedPorts: [],
    labels: {},
    ...wanted,
  };
}

export function imageConfig(process: Partial<ProcessConfig> = {}): ImageConfig {
  return {
    platform: { os: "linux", architecture: "amd64" },
    process: processConfig(process),
    diffIds: [],
    history: [],
  };
}

export function runOptions(wanted: Partial<RunOptions> = {}): RunOptions {
  return { args: [], env: [], network: "none", interactive: false, isolation: "namespaces", ...wanted };
}

export const root: Privilege = { kind: "root" };
export const single: Privilege = {
  kind: "single",
  uidMap: [{ inside: 0, outside: 12345, count: 1 }],
  gidMap: [{ inside: 0, outside: 12345, count: 1 }],
};
export const subordinate: Privilege = {
  kind: "subordinate",
  uidMap: [
    { inside: 0, outside: 1000, count: 1 },
    { inside: 1, outside: 100000, count: 65536 },
  ],
  gidMap: [
    { inside: 0, outside: 1000, count: 1 },
    { inside: 1, outside: 200000, count: 65536 },
  ],
  newuidmap: "/usr/bin/newuidmap",
  newgidmap: "/usr/bin/newgidmap",
};
export const confined: Privilege = { kind: "confined", uid: 0, reason: "unshare: EPERM" };

export const allCapabilities = { permitted: 0x1ffffffffffn, bounding: 0x1ffffffffffn };

export const host: HostFacts = {
  hostname: "machine",
  arch: "x64",
  kernel: "6.1.0",
  resolvConf: "nameserver 192.0.2.1\n",
  thermalThrottle: [],
  swapAccounting: true,
  own: allCapabilities,
  cgroupHost: { hierarchies: [], read: () => undefined, writable: () => false },
};

export function spec(wanted: Partial<SpecInput> = {}): Spec {
  return createSpec({
    image: imageConfig(),
    options: runOptions(),
    containerId,
    rootPath: "rootfs",
    privilege: root,
    facts: {},
    host,
    ...wanted,
  });
}
