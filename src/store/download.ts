import { open, type FileHandle } from "node:fs/promises";
import { IntegrityError } from "../core/errors.js";
import { createAppender } from "./appender.js";
import type { IngestRequest } from "./ingest.js";
import type { Progress } from "./ingest-protocol.js";

/** What a download needs to know of the layer, or other blob, that it is for. */
export type Download = Omit<IngestRequest, "diffId">;

/**
 * Appends to `file` what the source still has of the blob, telling `progress` after every write, and makes it
 * durable. Counts bytes but does not look at them: the follower verifies from the first byte.
 * @throws IntegrityError SIZE_MISMATCH as soon as there is a byte too many; the signal's reason; what the source throws
 */
export async function download(request: Download, file: string, progress: Progress): Promise<void> {
  await using handle = await open(file, "a");
  const { descriptor } = request;
  const start = await resumeAt(handle, descriptor.size);
  if (start > 0) request.onBytes(start, true);
  progress.written(start);
  if (start < descriptor.size) await append(handle, start, { request, progress });
  request.onState("verifying");
  await handle.sync();
}

async function append(
  handle: FileHandle,
  start: number,
  { request, progress }: { readonly request: Download; readonly progress: Progress },
): Promise<void> {
  const { descriptor, signal } = request;
  let arrived = start;
  let written = start;
  const appender = createAppender(handle, (bytes) => {
    written += bytes;
    progress.written(written);
  });
  try {
    for await (const piece of await request.source.read(descriptor, { offset: start, signal })) {
      signal.throwIfAborted();
      const { length } = piece;
      arrived += length;
      if (arrived > descriptor.size) throw wrongSize(request, `more than ${descriptor.size}`);
      await appender.add(piece);
      request.onBytes(length);
    }
    signal.throwIfAborted();
  } finally {
    await appender.flush();
  }
  if (arrived < descriptor.size) throw wrongSize(request, String(arrived));
}

/** Where to go on. More than the whole blob cannot be ours and is thrown away. */
async function resumeAt(handle: FileHandle, size: number): Promise<number> {
  const { size: present } = await handle.stat();
  if (present <= size) return present;
  await handle.truncate(0);
  return 0;
}

function wrongSize({ descriptor }: Download, got: string): IntegrityError {
  const message = `layer ${descriptor.digest}: got ${got} bytes (expected ${descriptor.size})`;
  return new IntegrityError("SIZE_MISMATCH", message);
}
