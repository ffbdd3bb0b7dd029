import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Lower } from "../../helper/lower.js";
import { createContainerId } from "../../launch/container-id.js";
import type { PlacedMount } from "../../launch/mounts.js";
import { checkLifeOptions, type LifeOptions } from "../../launch/options/life.js";
import { checkNetworkOptions, joinedContainer, needsNetwork } from "../../launch/options/network.js";
import { lowersOfDirectory } from "../../launch/root-directory.js";
import type { RunOptions } from "../../launch/run-options.js";
import type { AccountFiles } from "../../launch/user.js";
import type { StorePaths } from "../../store/layout.js";
import type { Context } from "../context.js";
import { privilegedDevices } from "../privileged-devices.js";
import { ensureImage, type ImageRequest } from "../ensure-image.js";
import type { LocalImage } from "../find-image.js";
import { launchInput } from "../launch-input.js";
import { specFile } from "./directory.js";
import { flatRoot, type Launch } from "./launch.js";
import { writeState, type ContainerState } from "./state.js";
import { warnOfImpossible } from "./warnings.js";

export interface CreateRequest extends ImageRequest {
  readonly options: RunOptions;
  readonly life: LifeOptions;
  /** File to write the id to, which must not be there. */
  readonly cidFile?: string;
}

/**
 * What ends with this command and has no terminal of its own needs nobody in the background: then this process becomes
 * its supervisor, with our streams as its own.
 */
export function isSupervised({ life, options }: Pick<CreateRequest, "life" | "options">): boolean {
  return !life.autoRemove || life.detached || options.tty === true || life.attach !== undefined;
}

/** Docker's. Seconds. */
const defaultStopTimeout = 10;

/**
 * Pulls what is missing and makes a container that can be started. Removes what it made if that, or `next`, fails.
 * @throws UsageError BAD_VALUE, BAD_FLAG; whatever a pull throws
 */
export async function createContainer<T>(
  context: Context,
  asked: CreateRequest,
  next: (launch: Launch) => Promise<T>,
): Promise<T> {
  checkLifeOptions(asked.life);
  if (asked.cidFile !== undefined) (await import("./id-file.js")).checkIdFile(asked.cidFile);
  await checkNetwork(asked.options);
  if (asked.options.runtime !== undefined) (await import("./runtime.js")).checkRuntime(asked);
  const image = await imageOf(context, asked);
  const request = { ...asked, options: await decideNetwork(context, asked.options, image) };
  await warnOfImpossible(context, image, request.options);
  const { paths } = await context.store({ create: true });
  const id = createContainerId();
  const directory = path.join(paths.containers, id);
  mkdirSync(directory, { mode: 0o700 });
  let name: string | undefined;
  try {
    const design = await designLaunch(context, { image, request, id, directory });
    writeFileSync(specFile(directory), JSON.stringify(design.spec));
    for (const file of design.files) writeFileSync(path.join(directory, file.name), file.content);
    // Not before the rest, which may take long: who is killed between this and the next step holds others up.
    name = await takeName(context, paths, { id, life: request.life });
    const launch = name === undefined ? design : named(design, paths, name);
    // Last: a directory that has it is a container.
    await writeState(directory, launch.state);
    if (request.cidFile !== undefined) (await import("./id-file.js")).writeIdFile(request.cidFile, id);
    return await next(launch);
  } catch (error) {
    if (name !== undefined) await (await import("./names.js")).releaseName(paths, { name, id });
    await (await import("./discard.js")).discardDirectory(context, directory);
    throw error;
  }
}

async function imageOf(context: Context, request: CreateRequest): Promise<LocalImage> {
  const { rootDir } = request.options;
  if (rootDir === undefined) return ensureImage(context, request);
  return (await import("./root.js")).imageOfDirectory(context, rootDir);
}

function named(launch: Launch, paths: StorePaths, name: string): Launch {
  return { ...launch, state: { ...launch.state, name }, nameFile: path.join(paths.names, name) };
}

/** Before anything is pulled. @throws UsageError BAD_VALUE, BAD_FLAG */
async function checkNetwork(options: RunOptions): Promise<void> {
  checkNetworkOptions(options);
  if (needsNetwork(options)) (await import("../../launch/network/details.js")).checkNetworkDetails(options);
}

async function decideNetwork(context: Context, options: RunOptions, image: LocalImage): Promise<RunOptions> {
  if (!needsNetwork(options)) return options;
  const { resolveNetwork } = await import("../network/resolve.js");
  return resolveNetwork(context, options, image.config.value);
}

/** One that goes when it ends takes a name only if it was given one: that saves it from giving it back. */
async function takeName(
  context: Context,
  paths: StorePaths,
  { id, life }: { readonly id: string; readonly life: LifeOptions },
): Promise<string | undefined> {
  const { name } = life;
  if (name === undefined && life.autoRemove) return undefined;
  const { reserveName, reserveSomeName } = await import("./names.js");
  if (name === undefined) return reserveSomeName(paths, id);
  await reserveName(paths, await context.helper(), { name, id });
  return name;
}

async function sharedHostname(context: Context, { network }: RunOptions): Promise<string | undefined> {
  if (joinedContainer(network) === undefined) return undefined;
  return (await import("../network/joined.js")).joinedHostname(context, network);
}

interface Job {
  readonly image: LocalImage;
  readonly request: CreateRequest;
  readonly id: string;
  readonly directory: string;
}

async function designLaunch(context: Context, job: Job): Promise<Launch> {
  const { image, request, id, directory } = job;
  const { options } = request;
  const root = options.isolation === "chroot" ? await unpackRoot(context, job) : await findRoot(context, job);
  const privilege = await context.privilege();
  const mounts = await mountsOf(context, job);
  const { spec, files, own, cgroupHost } = launchInput({
    image,
    options,
    containerId: id,
    containerDir: directory,
    privilege,
    facts: root.facts,
    rootPath: root.path,
    mounts,
    devices: await privilegedDevices(options, privilege),
    sharedHostname: await sharedHostname(context, options),
  });
  return {
    state: {
      ...stateOf(job),
      ...(context.squashIds === true ? { squashIds: true } : {}),
      ...(context.userns === undefined ? {} : { userns: context.userns }),
      command: spec.process.args,
      ...root.runsOn,
      ...(mounts.length === 0 ? {} : { mounts }),
    },
    spec,
    directory,
    lowers: root.lowers,
    supervised: isSupervised(request),
    files,
    own,
    cgroupHost,
  };
}

/** In chroot isolation nothing can be mounted, and the image's VOLUMEs are directories like any other. */
async function mountsOf(context: Context, job: Job): Promise<readonly PlacedMount[]> {
  const { options } = job.request;
  const mounts = options.mounts ?? [];
  const imageVolumes = options.isolation === "chroot" ? [] : job.image.config.value.process.volumes;
  const devices = options.devices ?? [];
  if (mounts.length === 0 && imageVolumes.length === 0 && devices.length === 0) return [];
  const { placeMounts } = await import("../volumes/place.js");
  return placeMounts(context, { mounts, devices, imageVolumes, containerDir: job.directory });
}

function stateOf({ id, image, request }: Job): Omit<ContainerState, "command"> {
  const { options, life } = request;
  const { process } = image.config.value;
  return {
    version: 1,
    id,
    created: new Date().toISOString(),
    image: {
      name: request.image,
      id: image.config.descriptor.digest,
      digest: image.manifest.descriptor.digest,
      ...(process.entrypoint.length === 0 ? {} : { entrypoint: process.entrypoint }),
      ...(process.user === "" ? {} : { user: process.user }),
      ...(process.exposedPorts.length === 0 ? {} : { exposedPorts: process.exposedPorts }),
    },
    options,
    labels: { ...process.labels, ...life.labels },
    autoRemove: life.autoRemove,
    detached: life.detached,
    ...(life.attach === undefined ? {} : { attach: life.attach }),
    restart: life.restart ?? { name: "no" },
    stopSignal: life.stopSignal ?? process.stopSignal ?? "SIGTERM",
    stopTimeout: life.stopTimeout ?? defaultStopTimeout,
    ...(life.logBytes === undefined ? {} : { logBytes: life.logBytes }),
  };
}

interface Root {
  /** `root.path` of the spec. */
  readonly path: string;
  readonly facts: AccountFiles;
  readonly lowers: readonly Lower[];
  /** What must stay in the store as long as the container is there. */
  readonly runsOn: Pick<ContainerState, "chainId" | "diffIds">;
}

async function findRoot(context: Context, { image, request, directory }: Job): Promise<Root> {
  const { rootDir } = request.options;
  if (rootDir !== undefined) {
    const facts = await (await import("./root.js")).accountsOfDirectory(context, rootDir);
    return { path: rootDir.path, facts, lowers: lowersOfDirectory(rootDir), runsOn: {} };
  }
  const store = await context.store({ create: true });
  const { diffIds } = image.config.value;
  const { signal, emit } = context;
  const { facts, lowers, chainId } = await store.ensureRootfs(diffIds, {
    privilege: await context.privilege(),
    signal,
    emit,
  });
  return { path: path.join(directory, "merged"), facts, lowers, runsOn: { chainId, diffIds } };
}

async function unpackRoot(context: Context, { image, directory }: Job): Promise<Root> {
  const store = await context.store({ create: true });
  const root = flatRoot(directory);
  const { signal, emit } = context;
  const { facts } = await store.unpackFlat(image.config.value.diffIds, root, {
    privilege: await context.privilege(),
    signal,
    emit,
  });
  return { path: root, facts, lowers: [], runsOn: {} };
}
