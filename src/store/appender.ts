import type { FileHandle } from "node:fs/promises";

/** Appends to a file in large writes what comes in small pieces, while the next pieces arrive. */
export interface Appender {
  /** Takes the piece and its memory. Waits while the disk is two buffers behind. */
  add(piece: Uint8Array): Promise<void>;
  /** Resolves once everything added is in the file. Both throw what a write throws, now and ever after. */
  flush(): Promise<void>;
}

/** A socket hands over some 64 KiB at a time; a trip to the thread pool costs more than writing as much. */
const bufferBytes = 512 * 1024;
/** What has arrived is in the file after this long, however slowly more comes: a kill loses no more. */
const lingerMs = 50;

interface State {
  readonly handle: FileHandle;
  readonly onWritten: (bytes: number) => void;
  filling: Buffer;
  filled: number;
  /** Free as soon as `writing` is done. */
  other: Buffer;
  writing: Promise<void>;
  timer: NodeJS.Timeout | undefined;
}

/** `onWritten` is told the bytes of each write; `expected`, how many will come, keeps the buffers of a small file small. */
export function createAppender(
  handle: FileHandle,
  expected: number,
  onWritten: (bytes: number) => void,
): Appender {
  const size = Math.max(1, Math.min(bufferBytes, expected));
  const [filling, other] = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
  const state: State = {
    handle,
    onWritten,
    filling,
    filled: 0,
    other,
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
  for (let at = 0; at < piece.length;) {
    const part = piece.subarray(at, at + state.filling.length - state.filled);
    state.filling.set(part, state.filled);
    state.filled += part.length;
    at += part.length;
    if (state.filled === state.filling.length) await write(state);
  }
  free(piece);
  // An error waits for the next call that can throw it.
  if (state.filled > 0) state.timer ??= setTimeout(() => void write(state).catch(() => undefined), lingerMs);
}

/** Begins to write what there is, after what is being written. */
async function write(state: State): Promise<void> {
  clearTimeout(state.timer);
  state.timer = undefined;
  await state.writing;
  if (state.filled === 0) return;
  const full = state.filling.subarray(0, state.filled);
  [state.filling, state.other] = [state.other, state.filling];
  state.filled = 0;
  state.writing = state.handle.appendFile(full).then(() => state.onWritten(full.length));
  state.writing.catch(() => undefined);
}

/**
 * Frees a piece that has its memory to itself. Left to V8, 32 MB of socket buffers pile up, and to collect them the
 * whole heap is marked: 20 times in a large pull, for a tenth of its time.
 */
function free({ buffer, length }: Uint8Array): void {
  if (length > 0 && length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
