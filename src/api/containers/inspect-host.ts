import type { DeviceRule, Spec } from "../../launch/oci-spec.js";
import { portBindings } from "./inspect-network.js";
import type { ContainerState } from "./state.js";

/** The host's side of a container, in docker's field names: 0 and empty stand for no limit and nothing given. */
export function hostConfig(state: ContainerState, spec: Spec): object {
  const { options, restart, autoRemove, ports } = state;
  const { resources } = spec.linux;
  return {
    LogConfig: logConfig(state),
    Annotations: options.annotations ?? {},
    NetworkMode: options.network,
    RestartPolicy: { Name: restart.name, MaximumRetryCount: restart.maximum ?? 0 },
    AutoRemove: autoRemove,
    ReadonlyRootfs: spec.root.readonly,
    Memory: resources.memory?.limit ?? 0,
    MemorySwap: resources.memory?.swap ?? 0,
    NanoCpus: Math.round((options.cpus ?? 0) * 1e9),
    CpuQuota: resources.cpu?.quota ?? 0,
    CpuPeriod: resources.cpu?.period ?? 0,
    PidsLimit: resources.pids?.limit ?? 0,
    MemoryReservation: options.memoryReservation ?? 0,
    CpuShares: options.cpuShares ?? 0,
    CpusetCpus: options.cpusetCpus ?? "",
    CpusetMems: options.cpusetMems ?? "",
    CgroupParent: "",
    Privileged: options.privileged ?? false,
    CapAdd: options.capAdd ?? [],
    CapDrop: options.capDrop ?? [],
    Sysctls: options.sysctls ?? {},
    Init: options.init ?? false,
    PidMode: options.pid ?? "",
    IpcMode: options.ipc ?? "private",
    UTSMode: options.uts ?? "",
    UsernsMode: state.userns ?? "",
    Devices: (options.devices ?? []).map(({ source, target, access = "rwm" }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: access,
    })),
    DeviceCgroupRules: (options.deviceRules ?? []).map(ruleText),
    Dns: options.dns ?? [],
    ExtraHosts: options.addHosts ?? [],
    Isolation: options.isolation,
    MaskedPaths: spec.linux.maskedPaths,
    ReadonlyPaths: spec.linux.readonlyPaths,
    PortBindings: portBindings(ports),
  };
}

/** As docker takes it. */
function ruleText({ type, major, minor, access }: DeviceRule): string {
  return `${type ?? "a"} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}

function logConfig({ logBytes }: ContainerState): object {
  if (logBytes === 0) return { Type: "none", Config: {} };
  return { Type: "json-file", Config: logBytes === undefined ? {} : { "max-size": String(logBytes) } };
}
