import type { CommandSpec } from "../command.js";
import { containerFlags } from "../flags/container.js";
import { explainFlags } from "../flags/explain.js";
import {
  insecure,
  json,
  maxUnpacked,
  platform,
  pullPolicy,
  quiet,
  squashIds,
  userns,
} from "../flags/shared.js";

/** What asks a registry. */
export const registryCommands: readonly CommandSpec[] = [
  {
    name: "pull",
    args: "<image...>",
    summary: "pull images into the store",
    flags: [
      platform,
      {
        flags: "--all-platforms",
        description:
          "everything in an index; the image for --platform gets the name, the others are stored by digest",
      },
      insecure,
      squashIds,
      maxUnpacked,
      {
        flags: "--jobs <n>",
        description: "layers, and connections to fetch them over, at once",
        default: "6",
      },
      {
        flags: "--progress <how>",
        description: "what to show on stderr",
        choices: ["auto", "tty", "plain", "json", "none", "quiet"],
        default: "auto",
      },
      ...explainFlags,
      quiet,
    ],
    failure: 1,
    load: () => import("./pull.js"),
  },
  {
    name: "tags",
    args: "<repository>",
    summary: "list a repository's tags at its registry",
    flags: [json, { flags: "-q, --quiet", description: "show no retries or warnings" }, insecure],
    failure: 1,
    onlyReads: true,
    load: () => import("./tags.js"),
  },
  {
    name: "manifest",
    args: "<image>",
    summary: "print an image's manifest or index, as its registry has it",
    flags: [
      { flags: "--raw", description: "print the exact bytes, whose sha256 is the digest" },
      {
        flags: "--platform <os/arch>",
        description: "the manifest for this platform, not the index around it",
      },
      insecure,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./manifest.js"),
  },
  {
    name: "digest",
    args: "<image...>",
    summary: "print what an image's name stands for at its registry, with a HEAD request",
    flags: [insecure],
    failure: 1,
    onlyReads: true,
    load: () => import("./digest.js"),
  },
];

/** What changes the images that are here, or makes something of them. */
export const storeCommands: readonly CommandSpec[] = [
  {
    name: "rmi",
    args: "<image...>",
    summary: "remove images and what only they used",
    flags: [
      {
        flags: "-f, --force",
        description: "take every name of an ID, and names whose image a stopped container uses",
      },
    ],
    failure: 1,
    load: () => import("./rmi.js"),
  },
  {
    name: "save",
    args: "<image...>",
    summary: "write images to an archive that docker, podman, skopeo and pullrun load",
    flags: [
      { flags: "-o, --output <path>", description: "the file, or the directory of format oci; else stdout" },
      {
        flags: "--format <format>",
        description: "what to write",
        choices: ["docker-archive", "oci-archive", "oci"],
        default: "docker-archive",
      },
      insecure,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./save.js"),
  },
  {
    name: "load",
    args: "",
    summary: "store the images of a docker-archive or oci-archive, compressed or not, or of an OCI directory",
    flags: [
      { flags: "-i, --input <file>", description: "the archive or directory; else standard input" },
      platform,
      maxUnpacked,
      { flags: "-q, --quiet", description: "show no progress" },
    ],
    failure: 1,
    load: () => import("./load.js"),
  },
  {
    name: "verify",
    args: "[image...]",
    summary: "check every byte of the store, or of these images, against its digest",
    flags: [
      { flags: "--repair", description: "rebuild or fetch again what is missing or damaged" },
      maxUnpacked,
      json,
    ],
    failure: 1,
    load: () => import("./verify.js"),
  },
  {
    name: "prune",
    args: "",
    summary: "delete what no image, pull or container needs",
    flags: [
      { flags: "--dry-run", description: "say what would go, and delete nothing" },
      { flags: "--compressed", description: "drop the compressed form of unpacked layers too" },
      {
        flags: "--older-than <duration>",
        description: "keep what changed later than this ago, such as 30m, 24h, 7d, 0",
        default: "1h",
      },
      json,
    ],
    failure: 1,
    load: () => import("./prune.js"),
  },
  {
    name: "spec",
    args: "<image> [args...]",
    summary: "print the OCI runtime spec `run` would use",
    flags: [...containerFlags, pullPolicy, platform, insecure, userns, maxUnpacked],
    passThrough: true,
    failure: 1,
    load: () => import("./spec.js"),
  },
  {
    name: "unpack",
    args: "<image> <dir>",
    summary: "write an image's root file system to a new directory",
    flags: [pullPolicy, platform, insecure, squashIds, maxUnpacked],
    failure: 1,
    load: () => import("./unpack.js"),
  },
  {
    name: "bundle",
    args: "<image> <dir> [args...]",
    summary: "write an OCI bundle to a new directory: rootfs and config.json, for runc and its like",
    flags: [...containerFlags, pullPolicy, platform, insecure, squashIds, userns, maxUnpacked],
    passThrough: true,
    failure: 1,
    load: () => import("./bundle.js"),
  },
];
