import type { CommandSpec, FlagSpec } from "../command.js";

const platform: FlagSpec = {
  flags: "--platform <os/arch>",
  description: "image platform, such as linux/arm64",
};
const insecure: FlagSpec = {
  flags: "--insecure",
  description: "allow plain HTTP to a registry that is not on localhost",
};
const quiet: FlagSpec = { flags: "-q, --quiet", description: "print names or ids only" };
const json: FlagSpec = { flags: "--json", description: "print JSON" };
const pullPolicy: FlagSpec = {
  flags: "--pull <policy>",
  description: "when to ask the registry",
  choices: ["missing", "always", "never"],
  default: "missing",
};

const process: readonly FlagSpec[] = [
  {
    flags: "-e, --env <key=value>",
    description: "set a variable, or copy it from here with -e KEY",
    repeat: true,
  },
  { flags: "--env-file <file>", description: "read variables from a file", repeat: true },
  { flags: "--entrypoint <command>", description: "replace the image's entrypoint; '' clears it" },
  { flags: "-u, --user <user[:group]>", description: "user name or uid, in the image" },
  { flags: "-w, --workdir <dir>", description: "working directory in the container" },
  { flags: "--hostname <name>", description: "host name in the container" },
  { flags: "--read-only", description: "mount the root file system read-only" },
  { flags: "-m, --memory <bytes>", description: "memory limit, such as 512m" },
  { flags: "--pids-limit <n>", description: "limit on processes" },
  { flags: "--cpus <n>", description: "CPU limit, such as 1.5" },
  {
    flags: "--network <mode>",
    description: "none: loopback only; host: the host's",
    choices: ["none", "host"],
    default: "none",
  },
];

export const commands: readonly CommandSpec[] = [
  {
    name: "run",
    args: "<image> [args...]",
    summary: "pull an image if need be and run it",
    flags: [
      { flags: "--rm", description: "remove the container when it ends (always so for now)" },
      { flags: "-i, --interactive", description: "pass our standard input on" },
      ...process,
      {
        flags: "--isolation <kind>",
        description: "namespaces, or chroot where they are forbidden (not a sandbox)",
        choices: ["namespaces", "chroot"],
        default: "namespaces",
      },
      pullPolicy,
      platform,
      insecure,
      { flags: "-q, --quiet", description: "show no pull progress" },
      { flags: "--dry-run", description: "print the plan the helper would execute, and stop" },
    ],
    passThrough: true,
    failure: 125,
    load: () => import("./run.js"),
  },
  {
    name: "pull",
    args: "<image>",
    summary: "pull an image into the store",
    flags: [platform, insecure, quiet],
    failure: 1,
    load: () => import("./pull.js"),
  },
  {
    name: "images",
    args: "[name]",
    summary: "list the images in the store",
    flags: [
      quiet,
      json,
      { flags: "--digests", description: "show digests" },
      { flags: "--no-trunc", description: "show full ids" },
    ],
    failure: 1,
    load: () => import("./images.js"),
  },
  {
    name: "inspect",
    args: "<image...>",
    summary: "show what an image is, as JSON",
    flags: [{ flags: "--raw", description: "print the image config as the registry sent it" }],
    failure: 1,
    load: () => import("./inspect.js"),
  },
  {
    name: "rmi",
    args: "<image...>",
    summary: "remove images and what only they used",
    flags: [],
    failure: 1,
    load: () => import("./rmi.js"),
  },
  {
    name: "spec",
    args: "<image> [args...]",
    summary: "print the OCI runtime spec `run` would use",
    flags: [...process, pullPolicy, platform, insecure],
    passThrough: true,
    failure: 1,
    load: () => import("./spec.js"),
  },
  {
    name: "unpack",
    args: "<image> <dir>",
    summary: "write an image's root file system to a new directory",
    flags: [pullPolicy, platform, insecure],
    failure: 1,
    load: () => import("./unpack.js"),
  },
  {
    name: "serve",
    args: "[layout]",
    summary: "serve the store, or an OCI layout directory, as a read-only registry",
    flags: [
      { flags: "--address <ip>", description: "address to listen on", default: "127.0.0.1" },
      { flags: "--port <n>", description: "port, 0 for any", default: "5000" },
      { flags: "--name <repository>", description: "repository name for a layout's bare tags" },
      { flags: "--token-auth", description: "make clients fetch a token first, as Docker Hub does" },
    ],
    failure: 1,
    load: () => import("./serve.js"),
  },
  {
    name: "demo",
    args: "",
    summary: "serve a built-in image on localhost, pull it and run it: the whole line, no network needed",
    flags: [],
    failure: 1,
    load: () => import("./demo.js"),
  },
  {
    name: "version",
    args: "",
    summary: "print versions",
    flags: [json],
    failure: 1,
    load: () => import("./version.js"),
  },
];
