/** Bytes per second over the last seconds, from counts with the time they came at (milliseconds, any origin). */
export interface Meter {
  add(bytes: number, at: number): void;
  rate(now: number): number;
}

const windowMs = 5000;
/** Counts this close together are one sample, so that the list stays short. */
const sampleMs = 100;
/** Over less time than this the figure would jump about. */
const leastSpanMs = 500;

export function createMeter(): Meter {
  const samples: { at: number; bytes: number }[] = [];
  let start: number | undefined;
  return {
    add(bytes, at) {
      start ??= at;
      const last = samples.at(-1);
      if (last !== undefined && at - last.at < sampleMs) last.bytes += bytes;
      else samples.push({ at, bytes });
    },
    rate(now) {
      while ((samples[0]?.at ?? now) < now - windowMs) samples.shift();
      const span = Math.min(windowMs, Math.max(leastSpanMs, now - (start ?? now)));
      return (samples.reduce((sum, { bytes }) => sum + bytes, 0) * 1000) / span;
    },
  };
}
