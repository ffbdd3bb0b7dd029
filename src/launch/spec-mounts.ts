import path from "node:path";
import type { Privilege } from "../helper/privilege.js";
import { generatedFiles } from "./container-files.js";
import { opensNodes } from "./device-rules.js";
import { idMapsOf, isMapped } from "./id-mappings.js";
import { byDepth, ociMount, type PlacedMount } from "./mounts.js";
import type { Mount } from "./oci-spec.js";
import { hasOwnNetwork, joinedContainer, type NetworkMode } from "./options/network.js";
import type { RunOptions } from "./run-options.js";

export interface SpecMountsInput {
  readonly privilege: Privilege;
  /** Which namespaces it shares, and whether it is privileged or read-only. */
  readonly options: Pick<RunOptions, "network" | "pid" | "ipc" | "privileged" | "deviceRules" | "readOnly">;
  /** Absolute host directory with the generated /etc files, if they are to be mounted. */
  readonly containerDir: string | undefined;
  /** What was asked for. */
  readonly mounts: readonly PlacedMount[];
  /** Bytes of /dev/shm. */
  readonly shmSize: number;
}

const ttyGroup = 5;
const strict = ["nosuid", "noexec", "nodev"];

/**
 * Docker's mounts in docker's order (moby daemon/pkg/oci/defaults.go), then by depth what was asked for, /dev/shm and the
 * generated files. What was asked for takes the place of ours at the same path, and of all below /dev.
 */
export function specMounts(input: SpecMountsInput): Mount[] {
  const { containerDir, options } = input;
  const nodes = opensNodes(options);
  const asked = input.mounts.map((mount) => ociMount(mount, nodes));
  const taken = new Set(asked.map(({ destination }) => destination));
  const isFree = ({ destination }: Mount): boolean =>
    !taken.has(destination) && !(taken.has("/dev") && destination.startsWith("/dev/"));
  const files =
    containerDir === undefined ? [] : fileMounts(filesDirectory(containerDir, options.network), options);
  return [
    ...kernelMounts(input).filter(isFree),
    ...byDepth([...asked, ...[shmMount(input), ...files].filter(isFree)]),
  ];
}

const mqueue: Mount = { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: strict };

function kernelMounts({ privilege, options }: SpecMountsInput): Mount[] {
  return [
    procMount(privilege, options),
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    { destination: "/dev/pts", type: "devpts", source: "devpts", options: devptsOptions(privilege) },
    sysMount(privilege, options),
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [...readOnlyUnless(options.privileged), ...strict],
    },
    // Not every host has one mounted, which could be bound.
    ...(options.ipc === "host" && idMapsOf(privilege) !== undefined ? [] : [mqueue]),
  ];
}

/** Of namespaces that are not the user namespace's own it may make no new mount: the host's is bound. */
function hostMount(path: string, options: readonly string[]): Mount {
  return { destination: path, type: "bind", source: path, options: ["rbind", ...strict, ...options] };
}

function procMount(privilege: Privilege, { pid }: SpecMountsInput["options"]): Mount {
  if (pid === "host" && idMapsOf(privilege) !== undefined) return hostMount("/proc", []);
  return { destination: "/proc", type: "proc", source: "proc", options: strict };
}

function readOnlyUnless(writable: boolean | undefined): string[] {
  return writable === true ? [] : ["ro"];
}

/** Programs that share memory by name find each other in /dev/shm. */
function shmMount({ shmSize, options }: SpecMountsInput): Mount {
  if (options.ipc === "host") return hostMount("/dev/shm", []);
  const size = shmSize % 1024 === 0 ? `${shmSize / 1024}k` : String(shmSize);
  return {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: [...strict, "mode=1777", `size=${size}`],
  };
}

/** devpts refuses to mount with a group that has no mapping. */
function devptsOptions(privilege: Privilege): string[] {
  const maps = idMapsOf(privilege);
  const hasTtyGroup = maps === undefined || isMapped(maps.gidMap, ttyGroup);
  const options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
  return hasTtyGroup ? [...options, `gid=${ttyGroup}`] : options;
}

/** A new sysfs belongs to whoever owns the network namespace; a user namespace on another's network does not. */
function sysMount(privilege: Privilege, { network, privileged }: SpecMountsInput["options"]): Mount {
  const foreign = idMapsOf(privilege) !== undefined && !hasOwnNetwork(network);
  if (foreign) return hostMount("/sys", readOnlyUnless(privileged));
  return {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: [...strict, ...readOnlyUnless(privileged)],
  };
}

/** Whoever shares a container's network shares its names, and so what is written there when others come. */
function filesDirectory(containerDir: string, network: NetworkMode): string {
  const shared = joinedContainer(network);
  return shared === undefined ? containerDir : path.join(path.dirname(containerDir), shared);
}

/** Read-only with the root file system, as docker's. */
function fileMounts(containerDir: string, { readOnly }: SpecMountsInput["options"]): Mount[] {
  return generatedFiles.map(({ name, target }) => ({
    destination: target,
    type: "bind",
    source: `${containerDir}/${name}`,
    options: ["rbind", "rprivate", ...(readOnly === true ? ["ro"] : [])],
  }));
}
