import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
export { podman, podmanLimits, resetPodman } from "../test/support/podman.js";
import { missing, mustRun } from "../test/support/tools.js";

/** Run from the repository's directory, as npm does. */
export const pullrunPath = path.resolve("bin/pullrun");

/** What bench/install-peers.sh unpacked: programs, and the libraries some of them need. */
const unpacked = path.resolve("build/peers/usr");

/** Makes the unpacked programs be found, by us and by all we start. */
export function usePeers(): void {
  const directories = ["bin", "sbin"].map((name) => path.join(unpacked, name));
  process.env["PATH"] = [...directories, process.env["PATH"] ?? ""].join(path.delimiter);
}

/** For the unpacked programs that are linked against unpacked libraries. */
export function peerLibraries(): string {
  const lib = path.join(unpacked, "lib");
  return existsSync(lib)
    ? readdirSync(lib)
        .map((name) => path.join(lib, name))
        .join(":")
    : "";
}

/** Why a tool is not compared, undefined if it is there. */
export function absent(...tools: readonly string[]): string | undefined {
  const needs = missing(...tools);
  return needs === "" ? undefined : needs.replace(/: $/, "");
}

export function emptied(directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Runs a command line that must succeed. */
export async function done(argv: readonly string[]): Promise<string> {
  const [file = "", ...args] = argv;
  return mustRun(file, args);
}
