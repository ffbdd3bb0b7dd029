import type { CommandSpec, FlagSpec } from "../command.js";
import { attachFlag, clientFlags, streamFlags } from "../flags/attach.js";
import { containerFlags } from "../flags/container.js";
import { explainFlags } from "../flags/explain.js";
import { lifeFlags, stopFlags } from "../flags/life.js";
import { insecure, maxUnpacked, platform, pullPolicy, squashIds, userns } from "../flags/shared.js";

/** What describes a new container. */
const makeFlags: readonly FlagSpec[] = [
  ...lifeFlags,
  ...streamFlags,
  attachFlag,
  ...containerFlags,
  {
    flags: "--isolation <kind>",
    description: "namespaces, or chroot where they are forbidden (not a sandbox)",
    choices: ["namespaces", "chroot"],
    default: "namespaces",
  },
  {
    flags: "--rootfs",
    description: "the argument is a root directory, not an image; DIR:O keeps it as it is",
  },
  {
    flags: "--runtime <runtime>",
    description: "an OCI runtime to run it with, such as runc: a name or an absolute path",
  },
  { flags: "--cidfile <file>", description: "write the container's id to a new file" },
  pullPolicy,
  platform,
  insecure,
  squashIds,
  userns,
  maxUnpacked,
  { flags: "-q, --quiet", description: "show no pull progress" },
];

const run: CommandSpec = {
  name: "run",
  args: "<image> [args...]",
  summary: "pull an image if need be and run it",
  flags: [
    { flags: "-d, --detach", description: "run in the background, and print the id" },
    ...makeFlags,
    ...clientFlags,
    { flags: "--dry-run", description: "print the plan the helper would execute, and stop" },
    ...explainFlags,
  ],
  passThrough: true,
  failure: 125,
  load: () => import("./run.js"),
};

/** `pullrun IMAGE`. */
export const defaultCommand: CommandSpec = { ...run, name: "run --rm", implied: { rm: true } };

/** Commands that make and start containers. */
export const containerCommands: readonly CommandSpec[] = [
  run,
  {
    name: "create",
    args: "<image> [args...]",
    summary: "make a container for `start`, and print its id",
    flags: makeFlags,
    passThrough: true,
    failure: 125,
    load: () => import("./create.js"),
  },
  {
    name: "start",
    args: "<container...>",
    summary: "start containers that are not running",
    flags: [
      { flags: "-a, --attach", description: "watch the container, and end with its exit status" },
      { flags: "-i, --interactive", description: "and pass our standard input on" },
      ...clientFlags,
    ],
    failure: 1,
    load: () => import("./start.js"),
  },
  {
    name: "attach",
    args: "<container>",
    summary: "watch a running container, and end with its exit status",
    flags: [{ flags: "--no-stdin", description: "pass no input on" }, ...clientFlags],
    failure: 1,
    load: () => import("./attach.js"),
  },
  {
    name: "restart",
    args: "<container...>",
    summary: "stop containers and start them again",
    flags: stopFlags,
    failure: 1,
    load: () => import("./restart.js"),
  },
];
