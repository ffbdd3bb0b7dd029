import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { formatPlatform, hostPlatform } from "../core/platform.js";
import type { Plan } from "../helper/plan.js";
import { encodePlan } from "../helper/plan-encoding.js";
import { readCgroupHost } from "../launch/cgroup-host.js";
import { planCgroups } from "../launch/cgroups.js";
import { createContainerId } from "../launch/container-id.js";
import { chrootWarning, planChroot } from "../launch/plan-chroot.js";
import { planNamespaces } from "../launch/plan-namespaces.js";
import type { RunOptions } from "../launch/run-options.js";
import { statePath, type ContainerState } from "./container-state.js";
import type { Context } from "./context.js";
import { ensureImage, type ImageRequest } from "./ensure-image.js";
import type { LocalImage } from "./find-image.js";
import { launchInput, type LaunchInput } from "./launch-input.js";

export interface RunRequest extends ImageRequest {
  readonly options: RunOptions;
}

/** A container that is ready to start: everything is decided and written down. */
export interface PreparedRun {
  readonly containerId: string;
  readonly helperPath: string;
  readonly plan: Plan;
  /** The plan as the helper reads it, in the container's directory. */
  readonly planPath: string;
}

/** Pulls what is missing and prepares a container. Removes what it made if that fails. */
export async function prepareRun(context: Context, request: RunRequest): Promise<PreparedRun> {
  const image = await ensureImage(context, request);
  warnOfForeignPlatform(context, image);
  const store = await context.store({ create: true });
  const containerId = createContainerId();
  const containerDir = path.join(store.paths.containers, containerId);
  await mkdir(containerDir, { mode: 0o700 });
  try {
    const job = { image, options: request.options, containerId, containerDir };
    const { plan, input, state } = await planRun(context, job);
    const planPath = path.join(containerDir, "plan");
    await writeFile(statePath(containerDir), JSON.stringify(state));
    await writeFile(path.join(containerDir, "config.json"), JSON.stringify(input.spec));
    for (const { name, content } of input.files) await writeFile(path.join(containerDir, name), content);
    await writeFile(planPath, encodePlan(plan));
    return { containerId, helperPath: (await context.helper()).path, plan, planPath };
  } catch (error) {
    await discard(context, containerDir);
    throw error;
  }
}

/** Replaces this process by the container's supervisor. */
export async function becomeContainer({ helperPath, planPath }: PreparedRun): Promise<never> {
  const { execHelper } = await import("../helper/process.js");
  return execHelper(helperPath, planPath);
}

/** The plan as text; the container is not started and leaves nothing behind. */
export async function describeRun(context: Context, prepared: PreparedRun): Promise<string> {
  const { formatPlan } = await import("../helper/plan-text.js");
  await discard(context, path.dirname(prepared.planPath));
  return formatPlan(prepared.plan);
}

interface RunJob {
  readonly image: LocalImage;
  readonly options: RunOptions;
  readonly containerId: string;
  readonly containerDir: string;
}

interface PlannedRun {
  readonly plan: Plan;
  readonly input: LaunchInput;
  readonly state: ContainerState;
}

async function planRun(context: Context, job: RunJob): Promise<PlannedRun> {
  return job.options.isolation === "chroot" ? planInChroot(context, job) : planInNamespaces(context, job);
}

async function planInNamespaces(context: Context, job: RunJob): Promise<PlannedRun> {
  const { containerId, containerDir, options } = job;
  const privilege = await context.privilege();
  const store = await context.store({ create: true });
  const rootfsOptions = { privilege, signal: context.signal, emit: context.emit };
  const { diffIds } = job.image.config.value;
  const { facts, lowers, chainId } = await store.ensureRootfs(diffIds, rootfsOptions);
  const input = launchInput({ ...job, privilege, facts, rootPath: path.join(containerDir, "merged") });
  const plan = planNamespaces({
    spec: input.spec,
    containerId,
    containerDir,
    lowers,
    privilege,
    own: input.own,
    cgroups: planCgroups({ resources: input.spec.linux.resources, containerId }, readCgroupHost()),
    interactive: options.interactive,
  });
  return { plan, input, state: { chainId, diffIds } };
}

async function planInChroot(context: Context, job: RunJob): Promise<PlannedRun> {
  const { containerId, containerDir, options } = job;
  context.emit({ type: "warning", message: chrootWarning });
  const privilege = await context.privilege();
  const store = await context.store({ create: true });
  const rootDir = path.join(containerDir, "rootfs");
  const unpacking = { privilege, signal: context.signal, emit: context.emit };
  const { facts } = await store.unpackFlat(job.image.config.value.diffIds, rootDir, unpacking);
  const input = launchInput({ ...job, privilege, facts, rootPath: rootDir });
  const plan = planChroot({
    spec: input.spec,
    containerId,
    containerDir,
    rootDir,
    privilege,
    own: input.own,
    cgroups: planCgroups({ resources: input.spec.linux.resources, containerId }, readCgroupHost()),
    files: input.files,
    interactive: options.interactive,
  });
  return { plan, input, state: {} };
}

/** Nothing in the directory is anybody else's yet but for a flat root file system, which is ours to delete too. */
async function discard(context: Context, containerDir: string): Promise<void> {
  await rm(containerDir, { recursive: true, force: true }).catch(async () => {
    const { removeTree } = await import("../store/remove-tree.js");
    await removeTree(containerDir, { helper: await context.helper(), privilege: await context.privilege() });
  });
}

function warnOfForeignPlatform({ emit }: Context, image: LocalImage): void {
  const { platform } = image.config.value;
  const host = hostPlatform();
  if (platform.os === host.os && platform.architecture === host.architecture) return;
  const message = `the image is for ${formatPlatform(platform)} and this machine is ${formatPlatform(host)}`;
  emit({ type: "warning", message });
}
