import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import { LayerError } from "../core/errors.js";
import { limits } from "../core/limits.js";

export type Compression = "gzip" | "zstd" | "none";

/** What no layer may have, and an archive only with the help of a program (host-decompress.ts). */
export type HostCompression = "bzip2" | "xz";

/** Bytes of a blob's beginning that {@link detectCompression} wants to see, fewer only if there are no more. */
export const magicBytes = 6;

/** By magic number: media types are often wrong (M20). @throws LayerError BAD_COMPRESSION for formats no image may have */
export function detectCompression(what: string, start: Buffer): Compression {
  const hex = start.subarray(0, magicBytes).toString("hex");
  if (hex.startsWith("1f8b08")) return "gzip";
  // A zstd frame, or a skippable one before it (RFC 8878, 3.1).
  if (/^(?:28b52ffd|5.2a4d18)/.test(hex)) return "zstd";
  const other = detectHostCompression(start);
  if (other === undefined) return "none";
  throw new LayerError("BAD_COMPRESSION", `${what}: compressed with ${other} (expected gzip, zstd or none)`);
}

/** By magic number, as {@link detectCompression}. */
export function detectHostCompression(start: Buffer): HostCompression | undefined {
  const hex = start.subarray(0, magicBytes).toString("hex");
  if (hex.startsWith("425a68")) return "bzip2";
  return hex === "fd377a585a00" ? "xz" : undefined;
}

/** Takes compressed bytes and hands on plain ones, in order, with back-pressure. */
export interface Inflater {
  /** Resolves once `piece` is used up. */
  write(piece: Buffer): Promise<void>;
  /** Resolves once everything was handed on. @throws LayerError BAD_COMPRESSION if the data is cut short */
  end(): Promise<void>;
  destroy(): void;
}

/** 1 MiB output chunks inflate more than twice as fast as the default 16 KiB (DESIGN 2). */
const outputBytes = 1024 * 1024;

/** @throws (from write and end) LayerError BAD_COMPRESSION, and whatever `onData` throws */
export function createInflater(
  what: string,
  compression: Compression,
  onData: (plain: Buffer) => void,
): Inflater {
  if (compression === "none") {
    return { write: async (piece) => onData(piece), end: async () => undefined, destroy: () => undefined };
  }
  const engine = compression === "gzip" ? createGunzip({ chunkSize: outputBytes }) : createZstd();
  return createEngineInflater(engine, { what, compression, onData });
}

function createZstd(): ZstdDecompress {
  const params = { [constants.ZSTD_d_windowLogMax]: limits.zstdWindowLog };
  return createZstdDecompress({ chunkSize: outputBytes, params });
}

interface EngineOptions {
  readonly what: string;
  readonly compression: Compression;
  onData(plain: Buffer): void;
}

/**
 * Node's engines take concatenated members as one stream and stop at the first byte that begins no member. Only the
 * count of consumed bytes tells that they stopped, and NULs are all that may follow (gzip(1), padding of tapes).
 */
function createEngineInflater(engine: Gunzip | ZstdDecompress, options: EngineOptions): Inflater {
  let fed = 0;
  let stopped = false;
  const output = drain(engine, options);
  // Its failure is reported by whichever of write and end comes next.
  output.catch(() => engine.destroy());
  // Late errors of an engine that is done already concern nobody.
  engine.on("error", () => undefined);
  return {
    async write(piece) {
      if (!stopped) {
        fed += piece.length;
        const used = new Promise<void>((resolve) => engine.write(piece, () => resolve()));
        await Promise.race([used, output]);
        if (engine.destroyed) await output;
        stopped = engine.bytesWritten < fed;
        if (!stopped) return;
        checkTrailer(options, piece.subarray(piece.length - (fed - engine.bytesWritten)));
      } else checkTrailer(options, piece);
    },
    async end() {
      if (!stopped) engine.end();
      await output;
    },
    destroy: () => void engine.destroy(),
  };
}

async function drain(
  engine: Gunzip | ZstdDecompress,
  { what, compression, onData }: EngineOptions,
): Promise<void> {
  try {
    for await (const plain of engine) {
      onData(plain as Buffer);
      release(plain as Buffer);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!/^(Z_|ZSTD_|ERR_ZLIB|ERR_ZSTD)/.test(code)) throw error;
    const problem = error instanceof Error ? error.message : code;
    throw new LayerError(
      "BAD_COMPRESSION",
      `${what}: damaged ${compression} data: ${problem.toLowerCase()}`,
      { cause: error },
    );
  }
}

/**
 * Frees a used-up output buffer now: V8 lets 64 MB of them pile up per thread before it collects. The engine fills a
 * buffer from front to back and takes a new one when it is full, so the piece at the end is the last of its buffer.
 */
function release({ buffer, byteOffset, length }: Buffer): void {
  if (buffer.byteLength === outputBytes && byteOffset + length === outputBytes)
    (buffer as ArrayBuffer).transfer(0);
}

function checkTrailer({ what, compression }: EngineOptions, rest: Buffer): void {
  if (compression === "gzip" && rest.every((byte) => byte === 0)) return;
  throw new LayerError("BAD_COMPRESSION", `${what}: other data follows the ${compression} data`);
}
