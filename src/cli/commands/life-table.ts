import type { CommandGroup, CommandSpec, FlagSpec } from "../command.js";
import { detachKeys, streamFlags } from "../flags/attach.js";
import { stopFlags } from "../flags/life.js";
import { execProcessFlags } from "../flags/process.js";
import { json } from "../flags/shared.js";

/** The rows of the command table for what looks after containers once they are made. */

const format: FlagSpec = {
  flags: "--format <template>",
  description: "print by a Go template such as '{{.ID}}', or `json`",
};

export const lifeCommands: readonly CommandSpec[] = [
  {
    name: "exec",
    args: "<container> <command> [args...]",
    summary: "run one more command in a running container",
    flags: [
      { flags: "-d, --detach", description: "in the background, with nobody watching" },
      ...streamFlags,
      ...execProcessFlags,
      detachKeys,
      { flags: "--privileged", description: "with every capability the container's namespace can have" },
    ],
    passThrough: true,
    failure: 125,
    load: () => import("./exec.js"),
  },
  {
    name: "ps",
    args: "",
    summary: "list containers",
    flags: [
      { flags: "-a, --all", description: "stopped ones too" },
      { flags: "-q, --quiet", description: "print ids only" },
      { flags: "-l, --latest", description: "only the newest, whatever its state" },
      { flags: "-n, --last <n>", description: "only the n newest, whatever their state" },
      { flags: "-s, --size", description: "show how much each has written" },
      { flags: "--no-trunc", description: "show ids and commands in full" },
      {
        flags: "-f, --filter <filter>",
        description:
          "id=, name=, status=, label=, ancestor=, exited=, network=, before= or since= (see docs/cli.md)",
        repeat: true,
      },
      json,
      format,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./ps.js"),
  },
  {
    name: "logs",
    args: "<container>",
    summary: "show what a container has written",
    flags: [
      { flags: "-f, --follow", description: "go on with what comes, to its end" },
      { flags: "-n, --tail <lines>", description: "only the last lines of what is there", default: "all" },
      { flags: "--since <time>", description: "not what is older, such as 2026-01-02T15:04:05Z or 10m" },
      { flags: "--until <time>", description: "not what is newer" },
      { flags: "-t, --timestamps", description: "put its time before each line" },
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./logs.js"),
  },
  {
    name: "top",
    args: "<container> [ps-options...]",
    summary: "list a container's processes, as the host sees them or, with options, its `ps`",
    flags: [],
    passThrough: true,
    failure: 1,
    onlyReads: true,
    load: () => import("./top.js"),
  },
  {
    name: "stats",
    args: "[container...]",
    summary: "show what running containers use",
    flags: [
      { flags: "-a, --all", description: "stopped ones too" },
      { flags: "--no-stream", description: "once, and not again every second" },
      { flags: "--no-trunc", description: "show ids in full" },
      format,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./stats.js"),
  },
  {
    name: "stop",
    args: "<container...>",
    summary: "end containers: the stop signal, and SIGKILL if that does not do",
    flags: stopFlags,
    failure: 1,
    load: () => import("./stop.js"),
  },
  {
    name: "kill",
    args: "<container...>",
    summary: "send a signal to containers",
    flags: [{ flags: "-s, --signal <signal>", description: "name or number", default: "SIGKILL" }],
    failure: 1,
    load: () => import("./kill.js"),
  },
  {
    name: "wait",
    args: "<container...>",
    summary: "wait until containers have ended, and print their exit statuses",
    flags: [],
    failure: 1,
    onlyReads: true,
    load: () => import("./wait.js"),
  },
  {
    name: "rm",
    args: "<container...>",
    summary: "remove containers",
    flags: [
      { flags: "-f, --force", description: "end those that run" },
      { flags: "-v, --volumes", description: "and the volumes without a name that were made for them" },
    ],
    failure: 1,
    load: () => import("./rm.js"),
  },
  {
    name: "cp",
    args: "<source> <destination>",
    summary: "copy files between a container and this machine; - is a tar on stdin or stdout",
    flags: [
      { flags: "-a, --archive", description: "keep owners" },
      { flags: "-L, --follow-link", description: "of a link copy what it leads to" },
      { flags: "-q, --quiet", description: "nothing is said anyway" },
    ],
    failure: 1,
    load: () => import("./cp.js"),
  },
  {
    name: "rename",
    args: "<container> <name>",
    summary: "give a container another name",
    flags: [],
    failure: 1,
    load: () => import("./rename.js"),
  },
  {
    name: "pause",
    args: "<container...>",
    summary: "freeze all processes of containers",
    flags: [],
    failure: 1,
    load: () => import("./pause.js"),
  },
  {
    name: "unpause",
    args: "<container...>",
    summary: "let the processes of paused containers go on",
    flags: [],
    failure: 1,
    load: () => import("./unpause.js"),
  },
  {
    name: "port",
    args: "<container> [port]",
    summary: "show where a container's ports are reached",
    flags: [],
    failure: 1,
    onlyReads: true,
    load: () => import("./port.js"),
  },
];

export const containerGroup: CommandGroup = {
  name: "container",
  summary: "look after containers",
  commands: [
    {
      name: "prune",
      args: "",
      summary: "remove all stopped containers",
      flags: [
        { flags: "-f, --force", description: "accepted for docker's sake: nothing is asked" },
        { flags: "--filter <filter>", description: "only those that fit, as for `ps`", repeat: true },
      ],
      failure: 1,
      load: () => import("./container-prune.js"),
    },
  ],
};
