import { open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { chainIds, hexOf, type DiffId } from "../core/digest.js";
import { LayerError } from "../core/errors.js";
import { erofsFactsFile, erofsFile, findErofs } from "./erofs.js";
import { erofsImage, type ErofsImage } from "./erofs-image.js";
import { collectFacts, saveFacts } from "./facts.js";
import { syncDirectory, temporaryPrefix } from "./files.js";
import { mergeLayers } from "./layer-stack.js";
import { layerTars } from "./layout.js";
import { withLock } from "./lock.js";
import { ownerPolicy } from "./owners.js";
import type { RootfsContext } from "./rootfs.js";

/**
 * Writes the image of a chain, unless it is there. It appears by rename, after its facts.
 * @throws LayerError UNSUPPORTED_LAYER for what EROFS cannot hold; StoreError NOT_FOUND for a layer that is not there
 */
export async function buildErofs(context: RootfsContext, diffIds: readonly DiffId[]): Promise<void> {
  const { paths, helper, signal } = context;
  const chainId = chainIds(diffIds).at(-1);
  if (chainId === undefined) throw new LayerError("UNSUPPORTED_LAYER", "erofs: the image has no layers");
  const image = erofsFile(paths, chainId);
  const lock = path.join(paths.rootfs, `.lock-${path.basename(image)}`);
  await withLock({ helper, file: lock }, { signal }, async () => {
    if ((await findErofs(context, diffIds)) === undefined) await buildLocked(context, diffIds, image);
    await rm(lock, { force: true });
  });
}

async function buildLocked(context: RootfsContext, diffIds: readonly DiffId[], file: string): Promise<void> {
  const { paths, emit, signal } = context;
  const warn = (message: string): void => emit?.({ type: "warning", message });
  const tars = layerTars({ paths, diffIds });
  const tree = await mergeLayers({ paths, diffIds, warn });
  const sizes = await Promise.all(tars.map((tar) => stat(tar).then(({ size }) => size)));
  const image = erofsImage(tree, {
    tars: diffIds.map((diffId, layer) => ({ tag: hexOf(diffId), bytes: sizes[layer] ?? 0 })),
    policy: ownerPolicy(context.privilege, warn),
    uuid: Buffer.from(path.basename(file).slice(0, 32), "hex"),
  });
  const temporary = path.join(paths.rootfs, `${temporaryPrefix}${path.basename(file)}`);
  try {
    await writeImage(temporary, image, signal);
    await saveFacts(erofsFactsFile(file), { ...(await collectFacts(tree, tars)), devices: image.layers });
    await rename(temporary, file);
    await syncDirectory(paths.rootfs);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeImage(file: string, image: ErofsImage, signal: AbortSignal | undefined): Promise<void> {
  // Truncates what a build left that was killed.
  await using handle = await open(file, "w", 0o600);
  for (const piece of image.pieces()) {
    signal?.throwIfAborted();
    await handle.writeFile(piece);
  }
  await handle.sync();
}
