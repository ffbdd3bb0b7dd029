import { readFile } from "node:fs/promises";
import path from "node:path";
import { readCgroupHost } from "../../launch/cgroup-host.js";
import { generatedFiles, type ContainerFile } from "../../launch/container-files.js";
import { readOwnCapabilities } from "../../launch/host-facts.js";
import { lowersOfDirectory } from "../../launch/root-directory.js";
import type { DeviceNode, Spec } from "../../launch/oci-spec.js";
import type { Context } from "../context.js";
import { privilegedDevices } from "../privileged-devices.js";
import type { Container } from "./container.js";
import type { Launch } from "./launch.js";
import { readSpec } from "./spec-file.js";

/** Everything to start a container again: as it was made, on the root file system it ran on. */
export async function loadLaunch(context: Context, { directory, state }: Container): Promise<Launch> {
  const store = await context.store({ create: false });
  const { signal, emit } = context;
  const flat = state.options.isolation === "chroot";
  const privilege = await context.privilege();
  const { rootDir } = state.options;
  const rootfs =
    flat || rootDir !== undefined
      ? undefined
      : await store.ensureRootfs(state.diffIds ?? [], { privilege, signal, emit });
  return {
    state,
    spec: withDevices(await readSpec(directory), await privilegedDevices(state.options, privilege)),
    directory,
    nameFile: state.name === undefined ? undefined : path.join(store.paths.names, state.name),
    lowers: rootDir === undefined ? (rootfs?.lowers ?? []) : lowersOfDirectory(rootDir),
    supervised: true,
    files: flat ? await readFiles(directory) : [],
    own: readOwnCapabilities(),
    cgroupHost: readCgroupHost(),
  };
}

/** Those that are there now, as docker. */
function withDevices(spec: Spec, devices: readonly DeviceNode[] | undefined): Spec {
  return devices === undefined ? spec : { ...spec, linux: { ...spec.linux, devices } };
}

async function readFiles(directory: string): Promise<ContainerFile[]> {
  return Promise.all(
    generatedFiles.map(async ({ name, target }) => ({
      name,
      target,
      content: await readFile(path.join(directory, name), "utf8"),
    })),
  );
}
