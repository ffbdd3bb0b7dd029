import type { Privilege } from "../helper/privilege.js";
import type { OwnCapabilities } from "../launch/capabilities.js";
import type { CgroupHost } from "../launch/cgroup-host.js";
import { containerFiles, type ContainerFile } from "../launch/container-files.js";
import { readHostFacts } from "../launch/host-facts.js";
import type { PlacedMount } from "../launch/mounts.js";
import type { DeviceNode, Spec } from "../launch/oci-spec.js";
import type { RunOptions } from "../launch/run-options.js";
import { createSpec, hostnameOf } from "../launch/spec.js";
import type { AccountFiles } from "../launch/user.js";
import type { LocalImage } from "./find-image.js";

export interface LaunchRequest {
  readonly image: LocalImage;
  readonly options: RunOptions;
  readonly containerId: string;
  readonly containerDir: string;
  readonly privilege: Privilege;
  readonly facts: AccountFiles;
  /** `root.path` of the spec. */
  readonly rootPath: string;
  /** Placed; see `placeMounts`. */
  readonly mounts?: readonly PlacedMount[];
  /** See `privilegedDevices`. */
  readonly devices?: readonly DeviceNode[] | undefined;
  /** Of the container whose network is shared. */
  readonly sharedHostname?: string | undefined;
}

export interface LaunchInput {
  readonly spec: Spec;
  /** To be written to the container's directory. */
  readonly files: readonly ContainerFile[];
  /** Our own capabilities: a container cannot have more. */
  readonly own: OwnCapabilities;
  readonly cgroupHost: CgroupHost;
}

/** The OCI spec of a container, and the files it mounts from the container's directory. */
export function launchInput(request: LaunchRequest): LaunchInput {
  const host = readHostFacts();
  const { options, containerId, containerDir, privilege, facts, rootPath, devices, sharedHostname } = request;
  const image = request.image.config.value;
  const mounts = request.mounts ?? [];
  const base = { image, options, containerId, rootPath, privilege, facts, host, devices, sharedHostname };
  const spec = createSpec({ ...base, containerDir, mounts });
  const hostname = hostnameOf({ options, containerId, host, sharedHostname });
  return {
    spec,
    files: containerFiles({ hostname, network: options.network, resolvConf: host.resolvConf }),
    own: host.own,
    cgroupHost: host.cgroupHost,
  };
}
