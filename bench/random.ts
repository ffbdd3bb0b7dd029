/** Reproducible randomness: the same seed gives the same image on every machine. Not for secrets. */
export interface Random {
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(size: number): Buffer;
}

/** mulberry32: 32 bits of state are plenty for file sizes and words. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  const below = (limit: number): number => next() % limit;
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    bytes(size) {
      const bytes = Buffer.alloc(Math.ceil(size / 4) * 4);
      for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(next(), at);
      return bytes.subarray(0, size);
    },
  };
}
