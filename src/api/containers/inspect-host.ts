import type { DeviceRule, Spec } from "../../launch/oci-spec.js";
import { defaultShmSize } from "../../launch/spec.js";
import type { FileMount } from "../../launch/options/files.js";
import type { IsolationOptions } from "../../launch/options/isolation.js";
import { portBindings } from "./inspect-network.js";
import type { ContainerState } from "./state.js";

/** The host's side of a container, in docker's field names: 0 and empty stand for no limit and nothing given. */
export function hostConfig(state: ContainerState, spec: Spec): object {
  const { options, restart, autoRemove, ports } = state;
  const { resources } = spec.linux;
  return {
    Binds: bindsOf(options.mounts ?? []),
    Tmpfs: tmpfsOf(options.mounts ?? []),
    ShmSize: options.shmSize ?? defaultShmSize,
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
    BlkioWeight: options.blkioWeight ?? 0,
    OomKillDisable: options.oomKillDisable ?? false,
    OomScoreAdj: options.oomScoreAdj ?? 0,
    Ulimits: (options.ulimits ?? []).map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })),
    CpusetCpus: options.cpusetCpus ?? "",
    CpusetMems: options.cpusetMems ?? "",
    CgroupParent: "",
    Privileged: options.privileged ?? false,
    CapAdd: options.capAdd ?? [],
    CapDrop: options.capDrop ?? [],
    GroupAdd: options.groupAdd ?? [],
    SecurityOpt: securityOptions(options),
    Runtime: options.runtime ?? "",
    Sysctls: options.sysctls ?? {},
    Init: options.init ?? false,
    PidMode: options.pid ?? "",
    IpcMode: options.ipc ?? "private",
    UTSMode: options.uts ?? "",
    CgroupnsMode: options.cgroupns ?? "private",
    UsernsMode: state.userns ?? "",
    Devices: (options.devices ?? []).map(({ source, target, access = "rwm" }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: access,
    })),
    DeviceCgroupRules: (options.deviceRules ?? []).map(ruleText),
    Dns: options.dns ?? [],
    DnsSearch: options.dnsSearch ?? [],
    DnsOptions: options.dnsOptions ?? [],
    PublishAllPorts: options.publishAll ?? false,
    ExtraHosts: options.addHosts ?? [],
    Isolation: options.isolation,
    MaskedPaths: spec.linux.maskedPaths,
    ReadonlyPaths: spec.linux.readonlyPaths,
    PortBindings: portBindings(ports),
  };
}

/** Of `-v` and of `--mount`, but for the volumes nobody has named. */
function bindsOf(mounts: readonly FileMount[]): string[] {
  return mounts.flatMap((mount) => {
    const source = mount.type === "bind" ? mount.source : mount.type === "volume" ? mount.name : undefined;
    return source === undefined ? [] : [`${source}:${mount.target}${mount.readOnly === true ? ":ro" : ""}`];
  });
}

function tmpfsOf(mounts: readonly FileMount[]): Record<string, string> {
  const entries = mounts.flatMap((mount) =>
    mount.type === "tmpfs" ? [[mount.target, (mount.options ?? []).join(",")] as const] : [],
  );
  return Object.fromEntries(entries);
}

/** As the command line has them. */
function securityOptions({ seccomp, noNewPrivileges, unmasked }: IsolationOptions): string[] {
  return [
    ...(seccomp === undefined ? [] : [`seccomp=${seccomp === "unconfined" ? seccomp : seccomp.file}`]),
    ...(noNewPrivileges === true ? ["no-new-privileges"] : []),
    ...(unmasked === true ? ["systempaths=unconfined"] : []),
  ];
}

/** As docker takes it. */
function ruleText({ type, major, minor, access }: DeviceRule): string {
  return `${type ?? "a"} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}

function logConfig({ logBytes }: ContainerState): object {
  if (logBytes === 0) return { Type: "none", Config: {} };
  return { Type: "json-file", Config: logBytes === undefined ? {} : { "max-size": String(logBytes) } };
}
