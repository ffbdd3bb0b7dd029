import { stat } from "node:fs/promises";
import path from "node:path";
import type { DiffId } from "../core/digest.js";
import type { StorePaths } from "./layout.js";

/** Layer directories appear by rename: one that is there is whole. */
export async function hasLayer(paths: StorePaths, diffId: DiffId): Promise<boolean> {
  return stat(paths.layer(diffId)).then(
    () => true,
    () => false,
  );
}

/** Bytes of the layers' tars together; a layer that is not there counts nothing. */
export async function layersSize(paths: StorePaths, diffIds: readonly DiffId[]): Promise<number> {
  const sizes = diffIds.map((diffId) =>
    stat(path.join(paths.layer(diffId), "tar")).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
