import type { DiffId, Digest } from "../core/digest.js";
import type { ErrorData } from "../core/errors.js";
import type { UnpackBudget } from "./unpack-budget.js";

/** What main thread and ingest worker say to each other: paths, digests and numbers. Blob bytes never cross. */
export interface IngestJob {
  /** File with the compressed blob; it may still be growing. */
  readonly data: string;
  /** What the file must have become in the end. */
  readonly size: number;
  readonly digest: Digest;
  readonly diffId: DiffId;
  /** Existing directory that gets `tar` and `entries`. */
  readonly output: string;
  readonly limits: { readonly tarBytes: number; readonly entries: number };
  /** Of the images the layer is part of. */
  readonly budgets?: readonly UnpackBudget[];
  /** See {@link progressCells}. */
  readonly progress: SharedArrayBuffer;
}

export interface IngestResult {
  readonly tarBytes: number;
  readonly entries: number;
}

export type ToWorker = { readonly type: "ingest"; readonly job: IngestJob };

export type FromWorker =
  | { readonly type: "done"; readonly result: IngestResult }
  | { readonly type: "failed"; readonly error: ErrorData }
  /** A bug in the worker, not a failure of the job. */
  | { readonly type: "crashed"; readonly stack: string };

/** Cells of `progress`, as BigInt64Array: how many bytes of `data` are written, and whether the download was given up. */
export const progressCells = { written: 0, aborted: 1 } as const;

export interface Progress {
  readonly shared: SharedArrayBuffer;
  /** Total bytes in the file now. */
  written(bytes: number): void;
  abort(): void;
}

export function createProgress(): Progress {
  const shared = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT);
  const cells = new BigInt64Array(shared);
  return {
    shared,
    written(bytes) {
      Atomics.store(cells, progressCells.written, BigInt(bytes));
      Atomics.notify(cells, progressCells.written);
    },
    abort() {
      Atomics.store(cells, progressCells.aborted, 1n);
      Atomics.notify(cells, progressCells.written);
    },
  };
}
