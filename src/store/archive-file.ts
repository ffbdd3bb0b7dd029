import { createReadStream } from "node:fs";
import { mkdir, open, rm, type FileHandle } from "node:fs/promises";
import { StoreError } from "../core/errors.js";
import { abortable, throwIfAborted } from "../core/interruption.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import { createInflater, detectCompression, detectHostCompression, magicBytes } from "./decompress.js";
import { temporaryName, withIoErrors } from "./files.js";
import { decompressByHost } from "./host-decompress.js";
import { tooBig } from "./unpack-budget.js";

/** Where an archive comes from: a file, or bytes from a pipe. */
export type ArchiveInput = { readonly file: string } | { readonly stream: AsyncIterable<Uint8Array> };

const pieceBytes = 1024 * 1024;

/** Where a plain copy may be made. */
export interface Scratch {
  readonly directory: string;
  /** Most bytes it may have. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The archive as a plain tar in a file: the file itself, or a copy in `scratch` if it is compressed or comes from a
 * pipe. The copy has no name any more, so it is gone with the handle, whatever happens.
 */
export async function openArchiveFile(input: ArchiveInput, scratch: Scratch): Promise<FileHandle> {
  if ("stream" in input) return spool("standard input", input.stream, scratch);
  const { file } = input;
  return withIoErrors("archive", file, async () => {
    const handle = await open(file, "r");
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      const hint = "an OCI layout is named oci:DIR";
      throw new StoreError("STORE_IO", `archive ${printable(file)}: is a directory (expected a file)`, {
        hint,
      });
    }
    const plain = await plainCopy(file, handle, scratch).catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    if (plain !== undefined) await handle.close();
    return plain ?? handle;
  });
}

/** Undefined if the archive is plain itself. */
async function plainCopy(
  file: string,
  handle: FileHandle,
  scratch: Scratch,
): Promise<FileHandle | undefined> {
  const start = Buffer.alloc(magicBytes);
  const { bytesRead } = await handle.read(start, 0, magicBytes, 0);
  const magic = start.subarray(0, bytesRead);
  const isPlain = detectHostCompression(magic) === undefined && detectCompression(file, magic) === "none";
  if (isPlain) return undefined;
  const stream = createReadStream("", { fd: handle, start: 0, highWaterMark: pieceBytes, autoClose: false });
  return spool(file, stream, scratch);
}

async function spool(
  what: string,
  stream: AsyncIterable<Uint8Array>,
  { directory, maxBytes, signal }: Scratch,
): Promise<FileHandle> {
  // Ends the reading, and a program that decompresses, however we come to an end.
  const stop = new AbortController();
  const either = AbortSignal.any(signal === undefined ? [stop.signal] : [signal, stop.signal]);
  return withIoErrors("archive", what, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const name = temporaryName(directory);
    const handle = await open(name, "wx+", 0o600);
    try {
      await rm(name);
      const pieces = await withoutHostCompression(what, interruptible(stream, either), either);
      await inflateInto(what, pieces, { handle, maxBytes });
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    } finally {
      stop.abort();
    }
  });
}

/** Reads that end with the signal, even where the next bytes never come. */
async function* interruptible(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const pieces = stream[Symbol.asyncIterator]();
  for (;;) {
    throwIfAborted(signal);
    const next = await abortable(pieces.next(), signal);
    if (next.done === true) return;
    yield next.value;
  }
}

/** A stream of which the first bytes have been looked at. */
interface Begun {
  readonly start: Buffer;
  readonly pieces: AsyncIterable<Uint8Array>;
}

async function withoutHostCompression(
  what: string,
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Begun> {
  const begun = await begin(stream);
  const format = detectHostCompression(begun.start);
  if (format === undefined) return begun;
  return begin(decompressByHost(format, { what, pieces: begun.pieces, signal }));
}

async function begin(stream: AsyncIterable<Uint8Array>): Promise<Begun> {
  const pieces = stream[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < magicBytes) {
    const next = await pieces.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield start;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
  }
  return { start, pieces: all() };
}

async function inflateInto(
  what: string,
  { start, pieces }: Begun,
  { handle, maxBytes = limits.layerTarBytes }: { readonly handle: FileHandle } & Omit<Scratch, "directory">,
): Promise<void> {
  let total = 0;
  let plain: Buffer[] = [];
  const flush = async (): Promise<void> => {
    const pieces = plain;
    plain = [];
    if (pieces.length > 0) await handle.writev(pieces);
  };
  const take = (piece: Buffer): void => {
    total += piece.length;
    if (total > maxBytes) throw tooBig(`archive ${printable(what)}:`, maxBytes);
    plain.push(Buffer.from(piece));
  };
  const inflater = createInflater(what, detectCompression(what, start), take);
  try {
    for await (const piece of pieces) {
      await inflater.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      await flush();
    }
    await inflater.end();
    await flush();
  } finally {
    inflater.destroy();
  }
}
