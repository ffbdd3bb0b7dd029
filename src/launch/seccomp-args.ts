import { and, compare, load, type Comparison, type Instruction } from "./bpf.js";
import type { SeccompArg } from "./seccomp-profile.js";

/** An instruction that goes on to the next condition, or to where no condition is left (`fail`). */
interface Unplaced {
  readonly instruction: Instruction;
  /** Which way leads to `fail`, if one does. */
  readonly fail?: "jt" | "jf";
}

/** Offset of args[0] in `struct seccomp_data`; each has 8 bytes, and all our architectures are little endian. */
const firstArg = 16;

/** Goes on behind itself and `then` if one of the conditions fails, else runs `then`. Arguments are 64-bit values. */
export function whenAll(args: readonly SeccompArg[], then: readonly Instruction[]): Instruction[] {
  const conditions = args.flatMap(condition);
  const end = conditions.length + then.length;
  const placed = conditions.map(({ instruction, fail }, index) =>
    fail === undefined ? instruction : { ...instruction, [fail]: end - index - 1 },
  );
  return [...placed, ...then];
}

function condition(arg: SeccompArg): Unplaced[] {
  const [high, low] = words(arg.value);
  const [loadHigh, loadLow] = [load(firstArg + 8 * arg.index + 4), load(firstArg + 8 * arg.index)].map(plain);
  if (loadHigh === undefined || loadLow === undefined) return [];
  switch (arg.op) {
    case "SCMP_CMP_EQ":
      return [loadHigh, unless("equal", high), loadLow, unless("equal", low)];
    case "SCMP_CMP_NE":
      return [loadHigh, plain(compare("equal", high, [0, 2])), loadLow, when("equal", low)];
    case "SCMP_CMP_GE":
      return [loadHigh, decided(high), unless("equal", high), loadLow, unless("greaterOrEqual", low)];
    case "SCMP_CMP_GT":
      return [loadHigh, decided(high), unless("equal", high), loadLow, unless("greater", low)];
    case "SCMP_CMP_LT":
      return [loadHigh, when("greater", high), undecided(high), loadLow, when("greaterOrEqual", low)];
    case "SCMP_CMP_LE":
      return [loadHigh, when("greater", high), undecided(high), loadLow, when("greater", low)];
    case "SCMP_CMP_MASKED_EQ":
      return masked(arg, loadHigh, loadLow);
  }
}

/** The upper word is greater: so is the whole. */
function decided(high: number): Unplaced {
  return plain(compare("greater", high, [3, 0]));
}

/** The upper word is not greater; if it is less, so is the whole. */
function undecided(high: number): Unplaced {
  return plain(compare("equal", high, [0, 2]));
}

function masked(
  { value: mask, valueTwo = 0 }: SeccompArg,
  loadHigh: Unplaced,
  loadLow: Unplaced,
): Unplaced[] {
  const [maskHigh, maskLow] = words(mask);
  const [high, low] = words(valueTwo);
  const compareLow = [loadLow, plain(and(maskLow)), unless("equal", (low & maskLow) >>> 0)];
  if (maskHigh === 0) return compareLow;
  return [loadHigh, plain(and(maskHigh)), unless("equal", (high & maskHigh) >>> 0), ...compareLow];
}

function words(value: number): [high: number, low: number] {
  return [Math.floor(value / 2 ** 32), value >>> 0];
}

function plain(instruction: Instruction): Unplaced {
  return { instruction };
}

function when(op: Comparison, k: number): Unplaced {
  return { instruction: compare(op, k, [0, 0]), fail: "jt" };
}

function unless(op: Comparison, k: number): Unplaced {
  return { instruction: compare(op, k, [0, 0]), fail: "jf" };
}
