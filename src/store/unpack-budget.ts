import { LayerError } from "../core/errors.js";

/**
 * How many bytes the layers of one image may unpack to, together: `left` is shared by the threads that unpack them, so
 * that all of them stop at once.
 */
export interface UnpackBudget {
  readonly limit: number;
  readonly left: SharedArrayBuffer;
}

export function createBudget(limit: number): UnpackBudget {
  const left = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  new BigInt64Array(left)[0] = BigInt(limit);
  return { limit, left };
}

/** What one layer takes of the budgets of all images it is part of. */
export interface BudgetAccount {
  /** To be asked before the bytes are written. @throws LayerError TOO_BIG */
  spend(bytes: number): void;
  /** The layer is thrown away. */
  giveBack(): void;
}

export function openAccount(what: string, budgets: readonly UnpackBudget[]): BudgetAccount {
  let spent = 0n;
  return {
    spend(bytes) {
      spent += BigInt(bytes);
      for (const { limit, left } of budgets) {
        if (Atomics.sub(new BigInt64Array(left), 0, BigInt(bytes)) < bytes)
          throw tooBig(`${what}: the image`, limit);
      }
    },
    giveBack() {
      for (const { left } of budgets) Atomics.add(new BigInt64Array(left), 0, spent);
      spent = 0n;
    },
  };
}

/** Something over the user's own limit; `what` is the subject of the sentence. */
export function tooBig(what: string, limit: number): LayerError {
  return new LayerError("TOO_BIG", `${what} unpacks to more than ${limit} bytes`, {
    hint: "--max-unpacked sets the limit: raise it if you trust the image",
  });
}
