import { LayerError, type LayerCode } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import type { LayerEntry } from "./entry.js";
import { parsePax, type PaxRecords } from "./pax.js";
import { toEntry } from "./tar-entry.js";
import { blockBytes, isZeroBlock, parseTarHeader, type TarHeader } from "./tar-header.js";

/** Takes a tar in pieces of any size and calls back once per entry, before the entry's data has passed. */
export interface TarReader {
  write(chunk: Buffer): void;
  /** The tar is over. @throws LayerError BAD_TAR if it stops within an entry */
  end(): void;
}

export interface TarReaderOptions {
  /** Names the layer in errors. */
  readonly what: string;
  readonly maxEntries: number;
  onEntry(entry: LayerEntry): void;
}

interface State {
  readonly options: TarReaderOptions;
  /** Of the next byte to arrive. */
  offset: number;
  /** Bytes of file data and then of padding to pass over before the next header. */
  data: number;
  padding: number;
  readonly block: Buffer;
  filled: number;
  meta: Meta | undefined;
  zeroBlocks: number;
  entries: number;
  globals: PaxRecords;
  locals: PaxRecords | undefined;
  longName: Buffer | undefined;
  longLink: Buffer | undefined;
}

/** The body of a header that describes the next one: pax (`x`, `g`), GNU long name (`L`) or link (`K`). */
interface Meta {
  readonly flag: string;
  readonly body: Buffer;
  filled: number;
}

const metaFlags = new Set(["x", "g", "L", "K"]);
const noRecords: PaxRecords = new Map();

/** @throws (from write and end) LayerError BAD_TAR, UNSUPPORTED_LAYER, TOO_BIG */
export function createTarReader(options: TarReaderOptions): TarReader {
  const state: State = {
    options,
    offset: 0,
    data: 0,
    padding: 0,
    block: Buffer.alloc(blockBytes),
    filled: 0,
    meta: undefined,
    zeroBlocks: 0,
    entries: 0,
    globals: noRecords,
    locals: undefined,
    longName: undefined,
    longLink: undefined,
  };
  return { write: (chunk) => write(state, chunk), end: () => end(state) };
}

function write(state: State, chunk: Buffer): void {
  for (let at = 0; at < chunk.length;) {
    const taken = take(state, chunk, at);
    at += taken;
    state.offset += taken;
    if (state.filled === blockBytes) finishBlock(state, state.block);
    else if (state.meta !== undefined && state.meta.filled === state.meta.body.length)
      finishMeta(state, state.meta);
  }
}

/** Uses up bytes of `chunk` from `at` in the way the state asks for, and says how many. */
function take(state: State, chunk: Buffer, at: number): number {
  const left = chunk.length - at;
  // Two zero blocks end the archive (POSIX); whatever follows is not part of it.
  if (state.zeroBlocks >= 2) return left;
  if (state.data > 0) {
    const count = Math.min(left, state.data);
    state.data -= count;
    return count;
  }
  if (state.meta !== undefined) {
    const count = chunk.copy(state.meta.body, state.meta.filled, at);
    state.meta.filled += count;
    return count;
  }
  if (state.padding > 0) {
    const count = Math.min(left, state.padding);
    state.padding -= count;
    return count;
  }
  const count = chunk.copy(state.block, state.filled, at);
  state.filled += count;
  return count;
}

function finishBlock(state: State, block: Buffer): void {
  state.filled = 0;
  if (isZeroBlock(block)) {
    state.zeroBlocks++;
    return;
  }
  if (state.zeroBlocks > 0) throw failure(state, "BAD_TAR", "a single zero block within the archive");
  const header = parseTarHeader(block);
  if (typeof header === "string") throw failure(state, "BAD_TAR", header);
  if (metaFlags.has(header.flag)) startMeta(state, header);
  else finishEntry(state, header);
}

function startMeta(state: State, header: TarHeader): void {
  if (header.size < 0 || header.size > limits.paxBytes) {
    throw failure(
      state,
      "BAD_TAR",
      `extended header of ${header.size} bytes (expected at most ${limits.paxBytes})`,
    );
  }
  state.meta = { flag: header.flag, body: Buffer.alloc(header.size), filled: 0 };
  state.padding = paddingAfter(header.size);
  if (header.size === 0) finishMeta(state, state.meta);
}

function finishMeta(state: State, { flag, body }: Meta): void {
  state.meta = undefined;
  if (flag === "L") state.longName = untilNul(body);
  else if (flag === "K") state.longLink = untilNul(body);
  else {
    const records = parsePax(body);
    if (typeof records === "string") throw failure(state, "BAD_TAR", records);
    if (flag === "x") state.locals = records;
    else state.globals = new Map([...state.globals, ...records]);
  }
}

function finishEntry(state: State, header: TarHeader): void {
  const pax = state.locals === undefined ? state.globals : merged(state.globals, state.locals);
  const entry = toEntry(header, { pax, longName: state.longName, longLink: state.longLink }, state.offset);
  if ("problem" in entry) {
    const name = printable((state.longName ?? header.name).toString("utf8"), 100);
    throw failure(state, entry.code, `${name}: ${entry.problem}`);
  }
  if (++state.entries > state.options.maxEntries) {
    throw failure(state, "TOO_BIG", `more than ${state.options.maxEntries} entries`);
  }
  state.locals = state.longName = state.longLink = undefined;
  state.data = entry.size;
  state.padding = paddingAfter(entry.size);
  state.options.onEntry(entry);
}

function merged(globals: PaxRecords, locals: PaxRecords): PaxRecords {
  return globals.size === 0 ? locals : new Map([...globals, ...locals]);
}

function end(state: State): void {
  // Missing padding after the last file, or missing zero blocks, do not lose anything: some writers leave them out.
  if (state.data > 0 || state.meta !== undefined || state.filled > 0)
    throw failure(state, "BAD_TAR", "ends within an entry");
  if (state.locals !== undefined || state.longName !== undefined || state.longLink !== undefined) {
    throw failure(state, "BAD_TAR", "ends after an extended header");
  }
}

function paddingAfter(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

function untilNul(body: Buffer): Buffer {
  const nul = body.indexOf(0);
  return nul < 0 ? body : body.subarray(0, nul);
}

function failure(state: State, code: LayerCode, problem: string): LayerError {
  return new LayerError(code, `${state.options.what}: tar at byte ${state.offset}: ${problem}`);
}
