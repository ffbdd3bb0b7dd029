import { resolveDirectory } from "../store/new-directory.js";
import type { Context } from "./context.js";
import { ensureImage, type ImageRequest } from "./ensure-image.js";

/** Writes the image's root file system to `directory`, which must be new or empty, and returns its absolute path. */
export async function unpackImage(
  context: Context,
  request: ImageRequest,
  directory: string,
): Promise<string> {
  const target = resolveDirectory("unpack", directory);
  const image = await ensureImage(context, request);
  const store = await context.store({ create: true });
  const privilege = await context.privilege();
  await store.unpackFlat(image.config.value.diffIds, target, {
    privilege,
    signal: context.signal,
    emit: context.emit,
  });
  return target;
}
