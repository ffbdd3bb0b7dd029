import { posix } from "node:path";
import type { ProcessConfig } from "../core/image-config.js";
import { LaunchError, UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { RunOptions } from "./run-options.js";

/**
 * The argument vector: ENTRYPOINT then arguments, or ENTRYPOINT then CMD when there are none. As docker merges them
 * (moby daemon/commit.go `merge`): an `--entrypoint`, even an empty one, drops the image's CMD too.
 * @throws LaunchError NO_COMMAND
 */
export function commandOf(image: ProcessConfig, options: Pick<RunOptions, "args" | "entrypoint">): string[] {
  const overridden = options.entrypoint !== undefined;
  const entrypoint = overridden ? [options.entrypoint] : image.entrypoint;
  const args = options.args.length > 0 || overridden ? options.args : image.cmd;
  const argv = [...(isCleared(entrypoint) ? [] : entrypoint), ...args];
  if (argv.length === 0) {
    throw new LaunchError(
      "NO_COMMAND",
      "container command: empty: neither the image nor the command line names one",
      {
        hint: "name a command after the image, for example: pullrun IMAGE /bin/sh",
      },
    );
  }
  const hostile = argv.find((arg) => arg.includes("\0"));
  if (hostile !== undefined) {
    throw new LaunchError("NO_COMMAND", `container command: ${printable(hostile, 60)}: contains a NUL byte`);
  }
  return argv;
}

/** Docker writes `--entrypoint ''` as `[""]`, and some images carry that. */
function isCleared(entrypoint: readonly string[]): boolean {
  return entrypoint.length === 1 && entrypoint[0] === "";
}

/**
 * The absolute directory the command starts in, `/` by default. Lexical only: symlinks and `..` above the root are
 * resolved by the helper inside the container. @throws UsageError BAD_VALUE
 */
export function workingDirOf(image: ProcessConfig, options: Pick<RunOptions, "workdir">): string {
  const wanted = options.workdir ?? image.workingDir;
  if (wanted.includes("\0")) {
    throw new UsageError("BAD_VALUE", `working directory: ${printable(wanted, 80)}: contains a NUL byte`);
  }
  return posix.resolve("/", wanted);
}
