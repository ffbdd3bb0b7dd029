import { statSync } from "node:fs";
import path from "node:path";
import { chainIds, hexOf, type DiffId, type Digest } from "../core/digest.js";
import { loadFacts } from "./facts.js";
import { layerTars, type StorePaths } from "./layout.js";
import type { Rootfs, RootfsContext, RootfsDriver } from "./rootfs.js";

/** One image per chain, which holds everything but the files' data: `HEX.erofs`, and its facts beside it. */
export const erofsDriver: RootfsDriver = {
  find: findErofs,
  async build(context, diffIds) {
    // Loaded here: running an image that is already there writes nothing.
    const { buildErofs } = await import("./erofs-build.js");
    await buildErofs(context, diffIds);
  },
};

/** Without the tars it refers to an image is of no use. */
export async function findErofs(
  { paths }: Pick<RootfsContext, "paths">,
  diffIds: readonly DiffId[],
): Promise<Rootfs | undefined> {
  const chainId = chainIds(diffIds).at(-1);
  if (chainId === undefined) return undefined;
  const image = erofsFile(paths, chainId);
  const facts = loadFacts(erofsFactsFile(image));
  if (facts?.devices === undefined) return undefined;
  const tars = layerTars({ paths, diffIds });
  const devices = facts.devices.map((layer) => tars[layer] ?? "");
  for (const file of [image, ...devices]) if (!isFile(file)) return undefined;
  return { lowers: [{ image, devices }], chainId, facts };
}

export function erofsFile(paths: StorePaths, chainId: Digest): string {
  return path.join(paths.rootfs, `${hexOf(chainId)}.erofs`);
}

export function erofsFactsFile(image: string): string {
  return `${image}.json`;
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
