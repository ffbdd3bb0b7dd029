import { constants } from "node:os";
import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";

/** glibc keeps 32 and 33 for itself. */
const firstRealtime = 34;
const lastRealtime = 64;

/**
 * The number of a signal as docker takes it: `SIGTERM`, `term`, `15`, `RTMIN+3`, `RTMAX-1`.
 * @throws UsageError BAD_VALUE
 */
export function signalNumber(flag: string, text: string): number {
  const number = /^[0-9]+$/.test(text) ? Number(text) : numberOfName(text.toUpperCase().replace(/^SIG/, ""));
  if (number >= 1 && number <= lastRealtime) return number;
  const expected = `a name such as SIGTERM or a number from 1 to ${lastRealtime}`;
  throw new UsageError("BAD_VALUE", `${flag}: ${printable(text, 40)}: no signal (expected ${expected})`);
}

function numberOfName(name: string): number {
  const realtime = /^RTM(IN|AX)([+-][0-9]+)?$/.exec(name);
  if (realtime !== null) return realtimeNumber(realtime[1] === "IN", Number(realtime[2] ?? 0));
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return Object.hasOwn(numbers, `SIG${name}`) ? (numbers[`SIG${name}`] ?? 0) : 0;
}

function realtimeNumber(fromFirst: boolean, offset: number): number {
  const number = (fromFirst ? firstRealtime : lastRealtime) + offset;
  return number >= firstRealtime && number <= lastRealtime ? number : 0;
}
