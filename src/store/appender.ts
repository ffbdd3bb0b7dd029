import type { FileHandle } from "node:fs/promises";

/** Appends to a file in large writes what comes in small pieces, while the next pieces arrive. */
export interface Appender {
  /** Takes the piece and its memory. Waits while the disk is two batches behind. */
  add(piece: Uint8Array): Promise<void>;
  /** Resolves once everything added is in the file. Both throw what a write throws, now and ever after. */
  flush(): Promise<void>;
}

/** A socket hands over some 64 KiB at a time; a trip to the thread pool costs more than writing as much. */
const batchBytes = 512 * 1024;
/** However small they are: each has memory of its own, and one system call takes no more than 1,024 (IOV_MAX). */
const batchPieces = 256;
/** What has arrived is in the file after this long, however slowly more comes: a kill loses no more. */
const lingerMs = 50;

interface State {
  readonly handle: FileHandle;
  readonly onWritten: (bytes: number) => void;
  /** What waits to be written: the pieces themselves, for to copy them together takes as long as to write them. */
  pieces: Uint8Array[];
  bytes: number;
  writing: Promise<void>;
  timer: NodeJS.Timeout | undefined;
}

/** `onWritten` is told the bytes of each write. */
export function createAppender(handle: FileHandle, onWritten: (bytes: number) => void): Appender {
  const state: State = {
    handle,
    onWritten,
    pieces: [],
    bytes: 0,
    writing: Promise.resolve(),
    timer: undefined,
  };
  return {
    add: (piece) => add(state, piece),
    async flush() {
      await write(state);
      await state.writing;
    },
  };
}

async function add(state: State, piece: Uint8Array): Promise<void> {
  if (piece.length === 0) return;
  state.pieces.push(piece);
  state.bytes += piece.length;
  if (state.bytes >= batchBytes || state.pieces.length >= batchPieces) await write(state);
  // An error waits for the next call that can throw it.
  else state.timer ??= setTimeout(() => void write(state).catch(() => undefined), lingerMs);
}

/** Begins to write what there is, after what is being written. */
async function write(state: State): Promise<void> {
  clearTimeout(state.timer);
  state.timer = undefined;
  await state.writing;
  const { pieces, bytes } = state;
  if (bytes === 0) return;
  [state.pieces, state.bytes] = [[], 0];
  state.writing = writeAll(state.handle, pieces).then(() => {
    pieces.forEach(free);
    state.onWritten(bytes);
  });
  state.writing.catch(() => undefined);
}

/** A disk that fills up takes a part, and says why with the next call. */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  for (let rest = pieces; rest.length > 0;) {
    const { bytesWritten } = await handle.writev(rest);
    rest = beyond(rest, bytesWritten);
  }
}

function beyond(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  return pieces.flatMap((piece) => {
    const rest = piece.subarray(Math.min(skip, piece.length));
    skip -= piece.length - rest.length;
    return rest.length > 0 ? [rest] : [];
  });
}

/**
 * Frees a piece that has its memory to itself. Left to V8, 32 MB of socket buffers pile up, and to collect them the
 * whole heap is marked: 20 times in a large pull, for a tenth of its time.
 */
function free({ buffer, length }: Uint8Array): void {
  if (length > 0 && length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
