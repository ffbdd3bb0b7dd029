import { writeFile } from "node:fs/promises";
import path from "node:path";
import { createContainerId } from "../launch/container-id.js";
import { readHostFacts } from "../launch/host-facts.js";
import type { RunOptions } from "../launch/run-options.js";
import { unplacedMounts } from "../launch/unplaced-mounts.js";
import { createSpec } from "../launch/spec.js";
import { fillNewDirectory, resolveDirectory } from "../store/new-directory.js";
import { removeTree } from "../store/remove-tree.js";
import type { Context } from "./context.js";
import { privilegedDevices } from "./privileged-devices.js";
import { ensureImage, type ImageRequest } from "./ensure-image.js";

/** An image, and how a container of it is to run. */
export interface BundleRequest extends ImageRequest {
  readonly options: RunOptions;
}

/**
 * Makes `directory`, which must be new or empty, an OCI bundle (runtime-spec bundle.md): the image's files in `rootfs`,
 * and a `config.json` that `runc run -b DIRECTORY ID` takes as it is. `config.json` comes last: a directory that has
 * one is complete. Returns the absolute path. @throws StoreError STORE_IO
 */
export async function bundleImage(
  context: Context,
  request: BundleRequest,
  directory: string,
): Promise<string> {
  const bundle = resolveDirectory("bundle", directory);
  const image = await ensureImage(context, request);
  const store = await context.store({ create: true });
  const privilege = await context.privilege();
  const { signal, emit } = context;
  const options = { privilege, signal, emit };
  const helper = await context.helper();
  const clear = (file: string): Promise<void> => removeTree(file, { helper, privilege });
  // 0700: the root file system may have setuid programs, which no other user of this machine is to reach.
  await fillNewDirectory({ what: "bundle", directory: bundle, mode: 0o700, clear }, async () => {
    const rootfs = path.join(bundle, "rootfs");
    const { facts } = await store.unpackFlat(image.config.value.diffIds, rootfs, options);
    const spec = createSpec({
      image: image.config.value,
      options: request.options,
      containerId: createContainerId(),
      rootPath: "rootfs",
      privilege,
      facts,
      host: readHostFacts(),
      devices: await privilegedDevices(request.options, privilege),
      mounts: unplacedMounts(request.options, store.paths.volumes),
    });
    await writeFile(path.join(bundle, "config.json"), `${JSON.stringify(spec, null, 2)}\n`);
  });
  return bundle;
}
