import { rm } from "node:fs/promises";
import path from "node:path";
import type { Context } from "../context.js";
import { readState } from "./state.js";

/** Nothing in the directory is anybody else's yet but for a flat root file system, which is ours to delete too. */
export async function discardDirectory(context: Context, directory: string): Promise<void> {
  const network = (await readState(directory).catch(() => undefined))?.network;
  if (network !== undefined)
    await (await import("../network/release.js")).releaseAddress(network.address, path.basename(directory));
  const { removeAnonymousVolumes } = await import("../volumes/remove.js");
  await removeAnonymousVolumes(context, directory);
  await rm(directory, { recursive: true, force: true }).catch(async () => {
    const { removeTree } = await import("../../store/remove-tree.js");
    await removeTree(directory, { helper: await context.helper(), privilege: await context.privilege() });
  });
}
