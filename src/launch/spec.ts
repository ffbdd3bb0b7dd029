import { UsageError } from "../core/errors.js";
import type { ImageConfig } from "../core/image-config.js";
import type { Privilege } from "../helper/privilege.js";
import { shortId } from "./container-id.js";
import { deviceRulesOf } from "./device-rules.js";
import type { HostFacts } from "./host-facts.js";
import { idMapsOf, ociMapping, privilegeFor, requireMapped } from "./id-mappings.js";
import type { PlacedMount } from "./mounts.js";
import type { DeviceNode, Linux, NamespaceType, Process, Spec } from "./oci-spec.js";
import { hasOwnNetwork } from "./options/network.js";
import { createProcess } from "./process.js";
import { seccompOf } from "./spec-seccomp.js";
import { limitResources } from "./resources.js";
import { checkRunOptions, type RunOptions } from "./run-options.js";
import { specMounts } from "./spec-mounts.js";
import { sysctlsOf } from "./sysctls.js";
import { resolveUser, withGroups, type AccountFiles } from "./user.js";

/** Docker's; bytes. */
export const defaultShmSize = 64 * 1024 * 1024;

export interface SpecInput {
  readonly image: ImageConfig;
  readonly options: RunOptions;
  /** 64 hex digits. */
  readonly containerId: string;
  /** `root.path`: absolute, or relative to the bundle (`rootfs`). */
  readonly rootPath: string;
  readonly privilege: Privilege;
  /** /etc/passwd and /etc/group of the image. */
  readonly facts: AccountFiles;
  readonly host: HostFacts;
  /** Given, the files of {@link containerFiles} are mounted from here: absolute, and the caller writes them. */
  readonly containerDir?: string;
  /** See `containerMounts`; `options.mounts` does not count here. */
  readonly mounts?: readonly PlacedMount[];
  /** What a privileged container finds in /dev. */
  readonly devices?: readonly DeviceNode[] | undefined;
  /** Of the container whose network is shared. */
  readonly sharedHostname?: string | undefined;
}

/**
 * The OCI runtime spec for one container, with docker's defaults. It runs under any OCI runtime; our own helper runs
 * the plan made from it. @throws LaunchError NO_COMMAND, BAD_USER; UsageError BAD_VALUE, BAD_FLAG
 */
export function createSpec(input: SpecInput): Spec {
  const { image, options, containerDir } = input;
  checkRunOptions(options);
  if (options.deviceRules !== undefined && idMapsOf(input.privilege) !== undefined) throw noDevices();
  const user = withGroups(
    resolveUser(options.user ?? idsKept(input.privilege) ?? image.process.user, input.facts),
    options.groupAdd ?? [],
    input.facts,
  );
  requireMapped(user, input.privilege);
  const privilege = privilegeFor(user, input.privilege);
  const hostname = hostnameOf(input);
  const groups = privilege.kind !== "single";
  const own = idMapsOf(privilege) === undefined ? input.host.own : undefined;
  const process = createProcess({ image: image.process, options, user, hostname, groups, own });
  return {
    ociVersion: "1.0.2",
    process,
    root: { path: input.rootPath, readonly: options.readOnly ?? false },
    ...(options.uts === "host" ? {} : { hostname }),
    mounts: specMounts({
      privilege,
      options,
      containerDir,
      mounts: input.mounts ?? [],
      shmSize: options.shmSize ?? defaultShmSize,
    }),
    linux: linuxOf({ ...input, privilege }, process),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  };
}

function idsKept(privilege: Privilege): string | undefined {
  return "runsAs" in privilege ? privilege.runsAs : undefined;
}

/** As docker: the short id, but the host's name on the host's network. Without namespaces it cannot be another. */
export function hostnameOf(
  input: Pick<SpecInput, "options" | "containerId" | "host" | "sharedHostname">,
): string {
  const { options, containerId, host, sharedHostname } = input;
  if (sharedHostname !== undefined) return sharedHostname;
  const shared = options.network === "host" || options.uts === "host" || options.isolation === "chroot";
  return options.hostname ?? (shared && host.hostname !== "" ? host.hostname : shortId(containerId));
}

function linuxOf(input: SpecInput, process: Process): Linux {
  const { options, host } = input;
  const seccomp = seccompOf(options, process.capabilities.bounding, host);
  const maps = idMapsOf(input.privilege);
  const own = namespaceTypes(input);
  const sysctl = sysctlsOf(options.sysctls ?? {}, own);
  return {
    namespaces: own.map((type) => ({ type })),
    ...(maps === undefined
      ? {}
      : { uidMappings: ociMapping(maps.uidMap), gidMappings: ociMapping(maps.gidMap) }),
    ...(input.devices === undefined ? {} : { devices: input.devices }),
    cgroupsPath: `/pullrun/${input.containerId}`,
    resources: {
      devices: deviceRulesOf(options, input.mounts ?? []),
      ...limitResources(options, host.swapAccounting),
    },
    ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
    ...(seccomp === undefined ? {} : { seccomp }),
    maskedPaths: isUnmasked(options) ? [] : [...maskedPaths, ...host.thermalThrottle],
    readonlyPaths: isUnmasked(options) ? [] : readonlyPaths,
  };
}

function noDevices(): UsageError {
  return new UsageError(
    "BAD_FLAG",
    "--device-cgroup-rule: needs root (in a user namespace no device node can be made)",
    { hint: "run with sudo, or name each device with --device" },
  );
}

function isUnmasked({ unmasked, privileged }: RunOptions): boolean {
  return unmasked === true || privileged === true;
}

function namespaceTypes(input: SpecInput): NamespaceType[] {
  const { network, pid, uts, ipc, cgroupns } = input.options;
  const shared = { pid, uts, ipc, cgroup: cgroupns };
  const own: NamespaceType[] = [
    "mount",
    ...(["pid", "uts", "ipc", "cgroup"] as const).filter((type) => shared[type] === undefined),
  ];
  if (hasOwnNetwork(network)) own.push("network");
  if (idMapsOf(input.privilege) !== undefined) own.unshift("user");
  return own;
}

/** moby daemon/pkg/oci/defaults.go */
const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
