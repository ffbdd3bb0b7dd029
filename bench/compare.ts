import { measure, type Command, type Measurement } from "./measure.js";

/** One of the programs a benchmark compares. The first is ours, and ratios are of the others to it. */
export interface Contender {
  readonly name: string;
  /** Why it cannot take part here; it is then reported as absent. */
  readonly missing?: string | undefined;
  /** Puts everything back to where a run starts, untimed. */
  reset?(): Promise<void>;
  readonly command: Command;
  /** Fewer runs than the others, for what takes long and matters little. */
  readonly runs?: number;
}

export interface Benchmark {
  readonly name: string;
  readonly what: string;
  readonly runs: number;
  /** Untimed runs before, for caches that a second use of the program would find warm too. */
  readonly warmUps: number;
  prepare(): Promise<readonly Contender[]>;
  finish?(): Promise<void>;
}

export interface Result {
  readonly contender: string;
  readonly missing?: string;
  readonly measurements: readonly Measurement[];
}

/**
 * All contenders in turn, again and again, so that a slow minute of the machine hits all of them.
 * @throws the signal's reason once that is aborted, with what the benchmark left running ended
 */
export async function compare(
  benchmark: Benchmark,
  takesPart: (name: string) => boolean,
  signal: AbortSignal,
): Promise<Result[]> {
  const prepared = await Promise.race([benchmark.prepare(), whenAborted(signal)]);
  const contenders = prepared.filter(({ name }) => takesPart(name));
  const taken = new Map<string, Measurement[]>();
  const failed = new Map<string, string>();
  try {
    for (let run = -benchmark.warmUps; run < benchmark.runs; run++) {
      for (const { name, missing, reset, command, runs = Infinity } of contenders) {
        signal.throwIfAborted();
        if (missing !== undefined || failed.has(name) || run >= runs) continue;
        try {
          await reset?.();
          const one = await measure(command, signal);
          if (run >= 0) taken.set(name, [...(taken.get(name) ?? []), one]);
        } catch (error) {
          failed.set(name, error instanceof Error ? error.message : String(error));
        }
      }
    }
  } finally {
    await benchmark.finish?.();
  }
  return contenders.map(({ name, missing }) => {
    const why = missing ?? failed.get(name);
    return {
      contender: name,
      measurements: taken.get(name) ?? [],
      ...(why === undefined ? {} : { missing: why }),
    };
  });
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
