import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { LifeOptions, RestartPolicy } from "../../launch/options/life.js";
import type { Flags, FlagSpec, Invocation } from "../command.js";
import { parseCount, parsed } from "../values.js";
import { attachedStreamsOf } from "./attach.js";
import { readFlagFile } from "./flag-file.js";
import { given, nonEmpty } from "./given.js";
import { logBytesOf, logFlags } from "./log.js";

/** How a container is called, ended and removed, for the commands that make one. */
export const lifeFlags: readonly FlagSpec[] = [
  { flags: "--name <name>", description: "what to call the container; else it gets a name of two words" },
  { flags: "-l, --label <key=value>", description: "set a label", repeat: true },
  { flags: "--label-file <file>", description: "read labels from a file", repeat: true },
  ...logFlags,
  { flags: "--no-healthcheck", description: "accepted as docker's: there are no health checks" },
  { flags: "--rm", description: "remove the container when it ends" },
  {
    flags: "--restart <policy>",
    description: "when to start it again: no, on-failure[:N], always or unless-stopped",
  },
  { flags: "--stop-signal <signal>", description: "what `stop` sends first (the image's, or SIGTERM)" },
  { flags: "--stop-timeout <seconds>", description: "how long `stop` waits before SIGKILL, -1 for ever" },
];

/** How a container is ended. */
export const stopFlags: readonly FlagSpec[] = [
  { flags: "-t, --time <seconds>", description: "wait so long before SIGKILL, -1 for ever" },
  { flags: "--timeout <seconds>", description: "the same as --time" },
  { flags: "-s, --signal <signal>", description: "instead of the container's stop signal" },
];

/** @throws UsageError */
export function lifeOptionsOf(invocation: Invocation): LifeOptions {
  const { flags } = invocation;
  const restart = nonEmpty(flags, "restart");
  return {
    ...given("name", nonEmpty(flags, "name")),
    labels: labelsOf(flags),
    autoRemove: flags.on("rm"),
    detached: flags.on("detach"),
    ...given("attach", attachedStreamsOf(invocation)),
    ...given("stopSignal", nonEmpty(flags, "stop-signal")),
    ...given("stopTimeout", parsed(flags, "stop-timeout", parseCount)),
    ...given("logBytes", logBytesOf(flags)),
    ...given("restart", restart === undefined ? undefined : parseRestart(restart)),
  };
}

/** Files first: what is on the command line wins. */
function labelsOf(flags: Flags): Record<string, string> {
  const entries = [...flags.list("label-file").flatMap(readLabels), ...flags.list("label")];
  return Object.fromEntries(entries.map(parseLabel("--label")));
}

/** A label without `=` is there, and empty. */
export function parseLabel(flag: string): (entry: string) => [key: string, value: string] {
  return (entry) => {
    const equals = entry.indexOf("=");
    const key = equals < 0 ? entry : entry.slice(0, equals);
    if (key.trim() === "") {
      throw new UsageError("BAD_VALUE", `${flag}: ${printable(entry, 60)}: no name (expected KEY=VALUE)`);
    }
    return [key, equals < 0 ? "" : entry.slice(equals + 1)];
  };
}

function readLabels(file: string): string[] {
  const lines = readFlagFile("--label-file", file).split(/\r?\n/);
  return lines.map((line) => line.trimStart()).filter((line) => line !== "" && !line.startsWith("#"));
}

function parseRestart(text: string): RestartPolicy {
  const [name = "", maximum, ...rest] = text.split(":");
  const counted = maximum !== undefined && /^[0-9]{1,9}$/.test(maximum);
  if (name === "on-failure" && rest.length === 0 && (maximum === undefined || counted)) {
    return { name, ...given("maximum", maximum === undefined ? undefined : Number(maximum)) };
  }
  if (maximum === undefined && (name === "no" || name === "always" || name === "unless-stopped")) {
    return { name };
  }
  throw new UsageError(
    "BAD_VALUE",
    `--restart: ${printable(text, 60)}: no policy (expected no, on-failure[:N], always or unless-stopped)`,
  );
}

/** What `stop` and `restart` ask for. @throws UsageError */
export function stopOptionsOf(flags: Flags): { timeout: number | undefined; signal: string | undefined } {
  const name = flags.text("timeout") === undefined ? "time" : "timeout";
  return { timeout: parsed(flags, name, parseCount), signal: nonEmpty(flags, "signal") };
}
