import type { FlagSpec } from "../command.js";

export const platform: FlagSpec = {
  flags: "--platform <os/arch>",
  description: "image platform, such as linux/arm64",
};
export const insecure: FlagSpec = {
  flags: "--insecure",
  description: "allow plain HTTP to a registry that is not on localhost",
};
export const squashIds: FlagSpec = {
  flags: "--squash-ids",
  description: "without root: all files belong to one user, whatever ids the image has (PULLRUN_SQUASH_IDS)",
};
export const userns: FlagSpec = {
  flags: "--userns <mode>",
  description: "without root: host, or keep-id to be oneself inside",
};
export const maxUnpacked: FlagSpec = {
  flags: "--max-unpacked <size>",
  description: "refuse an image whose layers unpack to more than this, such as 10g",
};
export const quiet: FlagSpec = { flags: "-q, --quiet", description: "print names or ids only" };
export const json: FlagSpec = { flags: "--json", description: "print JSON" };
export const pullPolicy: FlagSpec = {
  flags: "--pull <policy>",
  description: "when to ask the registry",
  choices: ["missing", "always", "never"],
  default: "missing",
};
