import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Context } from "../context.js";
import { findSide, lookAt, nothingThere, type Place } from "./side.js";
import { recordsOfTar } from "./tar-records.js";

export interface UnpackRequest {
  readonly to: Place;
  readonly archive: boolean;
}

/**
 * Puts what a tar holds, compressed with gzip or zstd or not, into a directory.
 * @throws StoreError NOT_FOUND; UsageError BAD_VALUE for no directory; LayerError BAD_TAR, PATH_ESCAPE
 */
export async function unpackTar(
  context: Context,
  request: UnpackRequest,
  tar: AsyncIterable<Buffer>,
): Promise<void> {
  const { signal } = context;
  const helper = await context.helper();
  const to = await findSide(context, request.to);
  const target = await lookAt(helper, to, { follow: true, signal });
  if (target === undefined) throw nothingThere(to);
  if (target.kind !== "dir") {
    throw new UsageError(
      "BAD_VALUE",
      `cp: ${printable(to.shown)}: is not a directory (expected one for a tar)`,
    );
  }
  const { uid, gid } = request.archive ? { uid: -1, gid: -1 } : to.owner;
  const writing = to.plan([{ kind: "write-tree", directory: to.path, name: "", fd: 0, uid, gid }]);
  await helper.run(writing, { input: recordsOfTar(tar), signal });
}
