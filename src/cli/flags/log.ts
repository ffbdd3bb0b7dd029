import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Flags, FlagSpec } from "../command.js";
import { parseCount, parseSize } from "../values.js";

/** What becomes of what a container writes. */
export const logFlags: readonly FlagSpec[] = [
  {
    flags: "--log-driver <name>",
    description: "none keeps no log; json-file and local mean the one there is",
    choices: ["json-file", "local", "none"],
    default: "json-file",
  },
  {
    flags: "--log-opt <key=value>",
    description: "max-size=BYTES: when a new file is begun (10m); the one before it is kept",
    repeat: true,
  },
];

/** Undefined: the usual size. @throws UsageError BAD_VALUE, BAD_FLAG */
export function logBytesOf(flags: Flags): number | undefined {
  const sizes = flags.list("log-opt").flatMap(sizeOf);
  if (flags.text("log-driver") !== "none") return sizes.at(-1);
  if (sizes.length === 0) return 0;
  throw new UsageError("BAD_FLAG", "--log-opt max-size: conflicts with --log-driver none", {
    hint: "leave out one of them",
  });
}

/** Docker's scripts often have `max-file` too: more than the two there are is not a promise we could keep. */
function sizeOf(text: string): number[] {
  const [key, value = ""] = text.split("=", 2);
  if (key === "max-size") return [parseSize("--log-opt max-size", value)];
  if (key === "max-file") {
    const files = parseCount("--log-opt max-file", value);
    if (files >= 1) return [];
  }
  throw new UsageError(
    "BAD_VALUE",
    `--log-opt: ${printable(text, 80)} (expected max-size=BYTES or max-file=N)`,
  );
}
