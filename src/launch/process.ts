import type { ProcessConfig } from "../core/image-config.js";
import { dockerCapabilities } from "./capabilities.js";
import { commandOf, workingDirOf } from "./command.js";
import { environmentOf } from "./env.js";
import type { CapabilitySets, Process } from "./oci-spec.js";
import type { RunOptions } from "./run-options.js";
import type { ContainerUser } from "./user.js";

export interface ProcessInput {
  readonly image: ProcessConfig;
  readonly options: RunOptions;
  readonly user: ContainerUser;
  readonly hostname: string;
  /** False where the kernel denies setgroups. */
  readonly groups: boolean;
}

/** The spec's `process`. @throws LaunchError NO_COMMAND, UsageError BAD_VALUE */
export function createProcess(input: ProcessInput): Process {
  const { image, options, user, hostname } = input;
  return {
    terminal: options.tty ?? false,
    user: { uid: user.uid, gid: user.gid, ...(input.groups ? { additionalGids: user.groups } : {}) },
    args: commandOf(image, options),
    env: environmentOf({ image: image.env, user: options.env, hostname, home: user.home }),
    cwd: workingDirOf(image, options),
    capabilities: capabilitiesFor(user.uid),
    noNewPrivileges: options.noNewPrivileges ?? false,
  };
}

/**
 * As docker since the inheritable sets were emptied (CVE-2022-24769): root gets its 14, another user gets what execve
 * would leave it, nothing, but may still gain them through file capabilities within the bounding set.
 */
function capabilitiesFor(uid: number): CapabilitySets {
  const bounding = dockerCapabilities;
  return uid === 0 ? { bounding, effective: bounding, permitted: bounding } : { bounding };
}
