import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Lower } from "../../helper/lower.js";
import { encodePlan } from "../../helper/plan-encoding.js";
import type { Plan } from "../../helper/plan.js";
import type { Privilege } from "../../helper/privilege.js";
import type { OwnCapabilities } from "../../launch/capabilities.js";
import type { CgroupHost } from "../../launch/cgroup-host.js";
import { planCgroups, type CgroupInput } from "../../launch/cgroups.js";
import { needsDeviceCgroup, opensNodes } from "../../launch/device-rules.js";
import type { ContainerFile } from "../../launch/container-files.js";
import type { Spec } from "../../launch/oci-spec.js";
import { chrootWarning, planChroot } from "../../launch/plan-chroot.js";
import type { NetworkSteps } from "../../launch/network/steps.js";
import { needsNetwork } from "../../launch/options/network.js";
import type { Supervision } from "../../launch/plan-supervise.js";
import { sharedContainer } from "../../launch/options/isolation.js";
import { planNamespaces, type NamespacePlanInput } from "../../launch/plan-namespaces.js";
import type { RuntimePlanInput } from "../../launch/plan-runtime.js";
import { anonymousDirectories } from "../../launch/plan-trees.js";
import { boundRoot } from "../../launch/root-directory.js";
import type { Context } from "../context.js";
import { seccompProgram } from "../seccomp.js";
import { planFile } from "./directory.js";
import type { ContainerState } from "./state.js";

/** Everything a plan is made from, when a container is new and whenever it is started again. */
export interface Launch {
  readonly state: ContainerState;
  readonly spec: Spec;
  /** Absolute. */
  readonly directory: string;
  /** Of its name, if it took one. */
  readonly nameFile?: string | undefined;
  /** What its root file system is made of; none in chroot isolation, where {@link flatRoot} is all. */
  readonly lowers: readonly Lower[];
  /** Whether a supervisor in the background looks after it, whoever watches; else this process becomes its supervisor. */
  readonly supervised: boolean;
  /** In chroot isolation they are written into the root file system. */
  readonly files: readonly ContainerFile[];
  readonly own: OwnCapabilities;
  readonly cgroupHost: CgroupHost;
  /** What its network takes, where that is more than a namespace. */
  readonly network?: NetworkSteps;
}

/** The root file system of a container in chroot isolation. */
export function flatRoot(directory: string): string {
  return path.join(directory, "rootfs");
}

/** Size at which a log is rotated, unless chosen: it and the one before it are kept. */
const defaultLogBytes = 10 * 1024 * 1024;

/** Decides every step of the start, and writes the plan to the container's directory. @throws LaunchError */
export async function writePlan(context: Context, launch: Launch): Promise<Plan> {
  const plan = await planLaunch(context, await attached(context, launch));
  const file = planFile(launch.directory);
  // In one step: another start of the same container may be reading it.
  writeFileSync(`${file}.tmp`, encodePlan(plan), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  return plan;
}

/** What isolation options ask of the plan, beyond what the spec says. */
async function isolationOf(
  context: Context,
  { state }: Launch,
): Promise<Pick<NamespacePlanInput, "joins" | "anyDevice" | "init">> {
  const { options } = state;
  const { pid, ipc, init } = options;
  const joins =
    sharedContainer(pid) === undefined && sharedContainer(ipc) === undefined
      ? []
      : await (await import("./shared-namespaces.js")).joinSteps(context, options);
  return { joins, anyDevice: opensNodes(options), init: init ?? false };
}

/** In a user namespace there is no device cgroup, and none is needed: no node made there opens. */
async function deviceStepsOf(
  { state, spec }: Launch,
  privilege: Privilege,
): Promise<CgroupInput["deviceSteps"]> {
  if (privilege.kind !== "root" || !needsDeviceCgroup(state.options, state.mounts ?? [])) return undefined;
  const { deviceSteps } = await import("../../launch/device-filter.js");
  return deviceSteps(spec.linux.resources.devices);
}

async function attached(context: Context, launch: Launch): Promise<Launch> {
  if (!needsNetwork(launch.state.options)) return launch;
  const { attachNetwork } = await import("../network/attach.js");
  return attachNetwork(context, launch);
}

async function planLaunch(context: Context, launch: Launch): Promise<Plan> {
  const { state, spec, directory, nameFile, lowers, files, own, cgroupHost } = launch;
  const mounts = state.mounts ?? [];
  const common = {
    spec,
    containerId: state.id,
    containerDir: directory,
    // The name first: it must never lead to a container that is not there.
    remove: state.autoRemove
      ? [...(nameFile === undefined ? [] : [nameFile]), ...anonymousDirectories(mounts), directory]
      : [],
    privilege: await context.privilege(),
    own,
    seccomp: await seccompProgram(spec.linux.seccomp),
    cgroups: planCgroups(
      {
        resources: spec.linux.resources,
        containerId: state.id,
        freeze: launch.supervised,
        deviceSteps: await deviceStepsOf(launch, await context.privilege()),
      },
      cgroupHost,
    ),
    interactive: state.options.interactive,
    supervision: launch.supervised ? supervisionOf(state) : undefined,
  };
  const { runtime } = state.options;
  if (runtime !== undefined) return planForeign(launch, { ...common, runtime });
  if (state.options.isolation !== "chroot")
    return planNamespaces({
      ...common,
      ...(await isolationOf(context, launch)),
      lowers,
      rootDir: boundRoot(state.options),
      mounts,
      network: launch.network,
    });
  context.emit({ type: "warning", message: chrootWarning });
  return planChroot({ ...common, rootDir: flatRoot(directory), files });
}

/** For an OCI runtime that is not ours; few containers have one. */
async function planForeign(
  { state, lowers, directory, spec }: Launch,
  input: Omit<RuntimePlanInput, "lowers" | "bundle">,
): Promise<Plan> {
  const { planRuntime } = await import("../../launch/plan-runtime.js");
  const { findRuntime, runtimeBundle } = await import("./runtime.js");
  const { mounts = [], options } = state;
  return planRuntime({
    ...input,
    lowers,
    rootDir: boundRoot(options),
    mounts,
    runtime: findRuntime(input.runtime),
    bundle: runtimeBundle(directory, spec, input.cgroups),
  });
}

function supervisionOf({ options, detached, restart, logBytes }: ContainerState): Supervision {
  const open = detached ? "open" : "once";
  return { logBytes: logBytes ?? defaultLogBytes, input: options.interactive ? open : "closed", restart };
}
