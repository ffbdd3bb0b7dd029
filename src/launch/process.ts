import type { ProcessConfig } from "../core/image-config.js";
import { capabilitiesOf, type OwnCapabilities } from "./capabilities.js";
import { commandOf, workingDirOf } from "./command.js";
import { environmentOf } from "./env.js";
import type { CapabilitySets, Process } from "./oci-spec.js";
import type { RunOptions } from "./run-options.js";
import { rlimitsOf } from "./ulimits.js";
import type { ContainerUser } from "./user.js";

export interface ProcessInput {
  readonly image: ProcessConfig;
  readonly options: RunOptions;
  readonly user: ContainerUser;
  readonly hostname: string;
  /** What we can give; undefined for everything, in a user namespace. */
  readonly own: OwnCapabilities | undefined;
  /** False where the kernel denies setgroups. */
  readonly groups: boolean;
}

/** The spec's `process`. @throws LaunchError NO_COMMAND, UsageError BAD_VALUE */
export function createProcess(input: ProcessInput): Process {
  const { image, options, user, hostname } = input;
  return {
    terminal: options.tty ?? false,
    user: {
      uid: user.uid,
      gid: user.gid,
      ...(input.groups ? { additionalGids: user.groups } : {}),
      ...(options.umask === undefined ? {} : { umask: options.umask }),
    },
    args: commandOf(image, options),
    env: environmentOf({
      image: image.env,
      user: options.env,
      hostname,
      home: user.home,
      tty: options.tty === true,
    }),
    cwd: workingDirOf(image, options),
    capabilities: capabilitiesFor(user.uid, capabilitiesOf(options, input.own)),
    noNewPrivileges: options.noNewPrivileges ?? false,
    ...(options.ulimits === undefined ? {} : { rlimits: rlimitsOf(options.ulimits) }),
    ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
  };
}

/**
 * As docker since the inheritable sets were emptied (CVE-2022-24769): root gets all of them, another user gets what execve
 * would leave it, nothing, but may still gain them through file capabilities within the bounding set.
 */
function capabilitiesFor(uid: number, bounding: readonly string[]): CapabilitySets {
  return uid === 0 ? { bounding, effective: bounding, permitted: bounding } : { bounding };
}
