import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { mustRun } from "./tools.js";

/** The command as a user starts it, built: `npm test` builds before it tests. */
export const pullrunPath = path.resolve(import.meta.dirname, "../../bin/pullrun");
export const demoLayout = path.resolve(import.meta.dirname, "../../dist/demo");

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly root?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Run as this ordinary user; needs root. */
  readonly uid?: number;
  /** A command to start ours with: `["unshare", "--net"]`. */
  readonly within?: readonly string[];
  readonly onStart?: (child: ChildProcess) => void;
}

/** To run all of it with one driver: `PULLRUN_ROOTFS_DRIVER=directories npm test`. */
const { PULLRUN_ROOTFS_DRIVER } = process.env;
const chosenDriver = PULLRUN_ROOTFS_DRIVER === undefined ? {} : { PULLRUN_ROOTFS_DRIVER };

/** Runs `bin/pullrun` to its end. The environment is small and fixed, so that a developer's own settings change nothing. */
export function pullrun(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const command = [pullrunPath, ...(options.root === undefined ? [] : ["--root", options.root]), ...args];
  const asUser =
    options.uid === undefined
      ? []
      : ["setpriv", `--reuid=${options.uid}`, `--regid=${options.uid}`, "--clear-groups"];
  const [file = "", ...rest] = [...(options.within ?? []), ...asUser, ...command];
  const child = spawn(file, rest, {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: "/nonexistent",
      CI: "true",
      // Tests of something else leave the machine's own network alone.
      PULLRUN_NETWORK: "none",
      ...chosenDriver,
      ...options.env,
    },
    stdio: ["pipe", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  options.onStart?.(child);
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // The child may end without having read its input.
  child.stdin.on("error", () => undefined).end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) =>
      resolve({ status: code ?? (signal === "SIGKILL" ? 137 : 128), ...output }),
    );
  });
}

/** A directory that is gone, rootless container files included, when the test is done. */
export function temporaryDirectory(options: { readonly uid?: number } = {}): string {
  const directory = mkdtempSync(path.join(tmpdir(), "pullrun-test-"));
  onTestFinished(async () => {
    await mustRun("rm", ["-rf", directory]);
  });
  if (options.uid !== undefined) chownSync(directory, options.uid, options.uid);
  return directory;
}

/** What was said beyond warnings: without subordinate ids an ordinary user gets one about owners at each pull. */
export function withoutWarnings(stderr: string): string {
  return stderr.replaceAll(/^warning: .*\n/gm, "");
}
