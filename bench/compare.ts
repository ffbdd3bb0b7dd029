import { measure, type Command, type Measurement } from "./measure.js";

/** One of the programs a benchmark compares. The first is ours, and ratios are of the others to it. */
export interface Contender {
  readonly name: string;
  /** Why it cannot take part here; it is then reported as absent. */
  readonly missing?: string;
  /** Puts everything back to where a run starts, untimed. */
  reset?(): Promise<void>;
  readonly command: Command;
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

/** All contenders in turn, again and again, so that a slow minute of the machine hits all of them. */
export async function compare(benchmark: Benchmark): Promise<Result[]> {
  const contenders = await benchmark.prepare();
  const taken = new Map<string, Measurement[]>();
  const failed = new Map<string, string>();
  for (let run = -benchmark.warmUps; run < benchmark.runs; run++) {
    for (const contender of contenders) {
      if (contender.missing !== undefined || failed.has(contender.name)) continue;
      try {
        await contender.reset?.();
        const one = await measure(contender.command);
        if (run >= 0) taken.set(contender.name, [...(taken.get(contender.name) ?? []), one]);
      } catch (error) {
        failed.set(contender.name, error instanceof Error ? error.message : String(error));
      }
    }
  }
  await benchmark.finish?.();
  return contenders.map(({ name, missing }) => {
    const why = missing ?? failed.get(name);
    return {
      contender: name,
      measurements: taken.get(name) ?? [],
      ...(why === undefined ? {} : { missing: why }),
    };
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
