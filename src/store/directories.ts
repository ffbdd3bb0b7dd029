import { statSync } from "node:fs";
import path from "node:path";
import { chainIds, hexOf, type DiffId, type Digest } from "../core/digest.js";
import { loadFacts } from "./facts.js";
import type { StorePaths } from "./layout.js";
import { ownerPolicy } from "./owners.js";
import type { Rootfs, RootfsContext, RootfsDriver } from "./rootfs.js";

/** One directory per layer of the chain, holding what the layer changes. */
export const directoriesDriver: RootfsDriver = {
  find: findDirectories,
  async build(context, diffIds) {
    // Loaded here: running an image that is already there writes nothing.
    const { buildDirectories } = await import("./directories-build.js");
    await buildDirectories(context, diffIds);
  },
};

/**
 * The root file system of an image if all of it is there: two system calls per layer and one small file.
 * Directories made with another privilege do not count: their owners are other ones.
 */
async function findDirectories(
  { paths, privilege }: Pick<RootfsContext, "paths" | "privilege">,
  diffIds: readonly DiffId[],
): Promise<Rootfs | undefined> {
  const { flavour } = ownerPolicy(privilege, () => undefined);
  const chain = chainIds(diffIds);
  const chainId = chain.at(-1);
  if (chainId === undefined) return undefined;
  const directories = chain.map((id) => rootfsDirectory(paths, id, flavour));
  for (const directory of directories) if (!isDirectory(directory)) return undefined;
  const facts = loadFacts(factsFile(directories.at(-1) ?? ""));
  return facts === undefined ? undefined : { lowers: directories.toReversed(), chainId, facts };
}

export function rootfsDirectory(paths: StorePaths, chainId: Digest, flavour: string): string {
  return path.join(paths.rootfs, hexOf(chainId) + flavour);
}

export function factsFile(directory: string): string {
  return `${directory}.json`;
}

export function isDirectory(directory: string): boolean {
  return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
}
