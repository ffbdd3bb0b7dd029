import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { finishDigest, startDigest, type Digest } from "../core/digest.js";
import { errnoOf } from "../core/errors.js";
import type { StorePaths } from "./layout.js";
import type { Problem } from "./verify.js";

export type Finding = Pick<Problem, "state" | "message">;

const pieceBytes = 1024 * 1024;

/** What is wrong with a blob, if anything. `size` is what an image's documents say. */
export async function checkBlob(
  paths: StorePaths,
  digest: Digest,
  size: number | undefined,
): Promise<Finding | undefined> {
  const file = paths.blob(digest);
  const found = await hashFile(file);
  if (found === undefined) return { state: "missing", message: `blob ${digest}: not in the store` };
  if (typeof found === "string") return { state: "damaged", message: `blob ${digest}: ${found}` };
  if (found.digest !== digest) {
    return { state: "damaged", message: `blob ${digest}: digest is ${found.digest}, ${found.size} bytes` };
  }
  if (size !== undefined && found.size !== size) {
    return { state: "damaged", message: `blob ${digest}: ${found.size} bytes (expected ${size})` };
  }
  return undefined;
}

/** Undefined if there is no such file, text if it cannot be read. `onPiece` sees the bytes on the way. */
export async function hashFile(
  file: string,
  onPiece?: (piece: Buffer) => void,
): Promise<{ readonly digest: Digest; readonly size: number } | string | undefined> {
  try {
    await using handle = await open(file, "r");
    const hash = startDigest();
    let size = 0;
    for await (const piece of createReadStream("", {
      fd: handle,
      autoClose: false,
      highWaterMark: pieceBytes,
    })) {
      hash.update(piece as Buffer);
      size += (piece as Buffer).length;
      onPiece?.(piece as Buffer);
    }
    return { digest: finishDigest(hash), size };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    // What a file system says of a bad disk or a mode somebody changed. Anything else is not about this file.
    if (errno === "EIO" || errno === "EACCES" || errno === "EISDIR" || errno === "EUCLEAN")
      return `cannot be read: ${errno}`;
    throw error;
  }
}
