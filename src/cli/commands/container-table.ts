import type { CommandSpec } from "../command.js";
import { containerFlags } from "../flags/container.js";
import { lifeFlags } from "../flags/life.js";
import { insecure, platform, pullPolicy, squashIds } from "../flags/shared.js";

const run: CommandSpec = {
  name: "run",
  args: "<image> [args...]",
  summary: "pull an image if need be and run it",
  flags: [
    ...lifeFlags,
    { flags: "-i, --interactive", description: "pass our standard input on" },
    ...containerFlags,
    {
      flags: "--isolation <kind>",
      description: "namespaces, or chroot where they are forbidden (not a sandbox)",
      choices: ["namespaces", "chroot"],
      default: "namespaces",
    },
    pullPolicy,
    platform,
    insecure,
    squashIds,
    { flags: "-q, --quiet", description: "show no pull progress" },
    { flags: "--dry-run", description: "print the plan the helper would execute, and stop" },
  ],
  passThrough: true,
  failure: 125,
  load: () => import("./run.js"),
};

/** `pullrun IMAGE`. */
export const defaultCommand: CommandSpec = { ...run, name: "run --rm", implied: { rm: true } };

/** Commands that make and start containers. */
export const containerCommands: readonly CommandSpec[] = [run];
