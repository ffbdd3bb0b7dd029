import { LaunchError, UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { runCommand } from "../../helper/child.js";
import { findProgram } from "../../helper/find-program.js";
import type { Context } from "../context.js";
import { findContainer } from "./find.js";
import { processesOf } from "./processes.js";
import { notRunning } from "./signal.js";

/**
 * What this machine's `ps` says with these options, the heading and the lines about the container's processes.
 * @throws LaunchError NOT_RUNNING, NO_COMMAND; StoreError NOT_FOUND; UsageError BAD_VALUE
 */
export async function processesByPs(
  context: Context,
  word: string,
  options: readonly string[],
): Promise<readonly string[]> {
  const container = await findContainer(context, word);
  if (container.pid === 0) throw notRunning(container, "top");
  const own = (await processesOf(container.pid)).map(({ pid }) => pid);
  const [heading = "", ...lines] = await askPs(options.flatMap(words), own);
  const columns = words(heading);
  const column = columns.indexOf("PID");
  if (column < 0) throw noPidColumn();
  // The last one is found even behind columns that have spaces.
  const place = column === columns.length - 1 ? -1 : column;
  return [heading, ...linesOf(new Set(own), lines, place)];
}

/**
 * Most options choose among all processes, and `-o pid` alone shows those of our terminal: so `ps` is told the numbers,
 * unless it is one of the options, such as `f`, that do not go together with that.
 */
async function askPs(options: readonly string[], pids: readonly number[]): Promise<readonly string[]> {
  const ps = findProgram("ps");
  if (ps === undefined) {
    throw new LaunchError("NO_COMMAND", "top: ps is not installed", {
      hint: "install procps, or leave the options out",
    });
  }
  const told = await runCommand(ps, [...options, `-q${pids.join(",")}`]);
  const { failed, stdout, stderr } = told.failed ? await runCommand(ps, options) : told;
  if (!failed)
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => printable(line, Infinity));
  const why = printable(stderr.trim().split("\n")[0] ?? "") || "it failed";
  throw new UsageError("BAD_VALUE", `top: ps: ${why}`, {
    hint: "what follows the container are options of ps(1)",
  });
}

/** A line without a number is about a thread of the process above it. */
function linesOf(own: ReadonlySet<number>, lines: readonly string[], place: number): string[] {
  let shown = false;
  return lines.filter((line) => {
    const field = words(line).at(place) ?? "";
    if (field === "-") return shown;
    if (!/^[0-9]+$/.test(field)) throw notPid(field);
    return (shown = own.has(Number(field)));
  });
}

function words(line: string): string[] {
  return line.trim().split(/ +/);
}

function noPidColumn(): UsageError {
  return new UsageError("BAD_VALUE", "top: couldn't find PID field in ps output (expected a column PID)", {
    hint: "add pid to the columns: -o pid,comm",
  });
}

function notPid(field: string): UsageError {
  return new UsageError("BAD_VALUE", `top: ps: ${printable(field)}: in the column PID (expected a number)`, {
    hint: "put pid before columns that may have spaces: -o pid,args",
  });
}
