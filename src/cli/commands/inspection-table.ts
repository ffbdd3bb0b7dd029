import type { CommandSpec, FlagSpec } from "../command.js";
import { json } from "../flags/shared.js";

/** The rows of the command table for what looks into images: nothing here needs root, a network or the helper. */

const noTrunc: FlagSpec = { flags: "--no-trunc", description: "show ids and commands in full" };
const format: FlagSpec = {
  flags: "--format <template>",
  description: "print by a Go template such as '{{.ID}}', or `json`",
};

export const inspectionCommands: readonly CommandSpec[] = [
  {
    name: "images",
    args: "[name]",
    summary: "list the images in the store",
    flags: [
      { flags: "-a, --all", description: "accepted: there are no others, of steps in between" },
      { flags: "-q, --quiet", description: "print ids only" },
      json,
      { flags: "--digests", description: "show digests" },
      noTrunc,
      { flags: "--tree", description: "show each image's layers, and which are shared" },
      {
        flags: "-f, --filter <filter>",
        description:
          "reference=PATTERN, before=IMAGE, since=IMAGE, until=TIME, label=KEY[=VALUE] or dangling=BOOL",
        repeat: true,
      },
      format,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./images.js"),
  },
  {
    name: "inspect",
    args: "<container|image...>",
    summary: "show what a container or an image is, as JSON",
    flags: [
      { flags: "--type <type>", description: "only look for one of these", choices: ["container", "image"] },
      { flags: "--raw", description: "print the image config as the registry sent it" },
      {
        flags: "-f, --format <template>",
        description: "print by a Go template such as '{{json .Config.Env}}'",
      },
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./inspect.js"),
  },
  {
    name: "history",
    args: "<image>",
    summary: "show how an image was built, newest step first",
    flags: [{ flags: "-q, --quiet", description: "print ids only" }, json, noTrunc, format],
    failure: 1,
    onlyReads: true,
    load: () => import("./history.js"),
  },
  {
    name: "layers",
    args: "<image>",
    summary: "list an image's layers, bottom first, and what they share with other images",
    flags: [{ flags: "-q, --quiet", description: "print digests only" }, json, noTrunc, format],
    failure: 1,
    onlyReads: true,
    load: () => import("./layers.js"),
  },
  {
    name: "ls",
    args: "<image[@layer]> [path]",
    summary: "list files in an image, or in one of its layers (a number or the start of a digest)",
    flags: [
      { flags: "-l, --long", description: "show mode, owner, size and time too" },
      { flags: "-R, --recursive", description: "list everything below, by full path" },
      json,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./ls.js"),
  },
  {
    name: "cat",
    args: "<image[@layer]> <path...>",
    summary: "print files of an image",
    flags: [],
    failure: 1,
    onlyReads: true,
    load: () => import("./cat.js"),
  },
  {
    name: "tree",
    args: "<image[@layer]> [path]",
    summary: "draw an image's files as a tree",
    flags: [{ flags: "-L, --level <n>", description: "stop after this many levels" }, json],
    failure: 1,
    onlyReads: true,
    load: () => import("./tree.js"),
  },
  {
    name: "diff",
    args: "<image[@layer]> <image[@layer]>",
    summary: "show which files the second image adds (A), changes (C) and removes (D)",
    flags: [
      { flags: "-q, --quiet", description: "print paths only" },
      json,
      { flags: "--exit-code", description: "exit with 1 if anything differs" },
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./diff.js"),
  },
  {
    name: "du",
    args: "<image> [path]",
    summary: "show where an image's bytes are, and how many of them no container sees",
    flags: [
      { flags: "--depth <n>", description: "levels of directories to list", default: "1" },
      { flags: "--fail-under <share>", description: "exit with 1 if the efficiency is lower, such as 0.95" },
      json,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./du.js"),
  },
  {
    name: "report",
    args: "<image>",
    summary: "write all there is to know about an image as one document",
    flags: [
      {
        flags: "--format <format>",
        description: "kind of document",
        choices: ["markdown", "html", "json"],
        default: "markdown",
      },
      { flags: "--top <n>", description: "rows of the longest lists", default: "20" },
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./report.js"),
  },
  {
    name: "export",
    args: "<image[@layer]>",
    summary: "write an image's root file system as one tar, to stdout or a file",
    flags: [{ flags: "-o, --output <file>", description: "file to write" }],
    failure: 1,
    onlyReads: true,
    load: () => import("./export.js"),
  },
  {
    name: "tag",
    args: "<image> <name>",
    summary: "give an image one more name",
    flags: [],
    failure: 1,
    load: () => import("./tag.js"),
  },
];
