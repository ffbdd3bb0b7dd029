import { accessSync, constants } from "node:fs";
import path from "node:path";
import { LaunchError, UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { findProgram } from "../../helper/find-program.js";
import { needsNetwork } from "../../launch/options/network.js";
import type { RunOptions } from "../../launch/run-options.js";
import type { Context } from "../context.js";
import type { CreateRequest } from "./create.js";
import type { Container } from "./container.js";
import { nameOf } from "./names.js";

/** Absolute path of an OCI runtime. Names are looked up where root's programs are, never in PATH. @throws LaunchError NO_RUNTIME */
export function findRuntime(nameOrPath: string): string {
  const found = nameOrPath.includes("/") ? executable(nameOrPath) : findProgram(nameOrPath);
  if (found !== undefined) return found;
  throw new LaunchError(
    "NO_RUNTIME",
    `--runtime: ${printable(nameOrPath, 200)}: not installed (expected the name of an OCI runtime, or an absolute path)`,
    { hint: "install one: apt-get install runc; or leave --runtime out" },
  );
}

function executable(file: string): string | undefined {
  if (!path.isAbsolute(file)) return undefined;
  try {
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    return undefined;
  }
}

/** Before anything is pulled. @throws UsageError BAD_FLAG, LaunchError NO_RUNTIME, NO_NAMESPACES */
export async function checkRuntime(
  context: Context,
  { options, life }: Pick<CreateRequest, "options" | "life">,
): Promise<void> {
  const flag = impossibleFlag(options);
  if (flag !== undefined) throw impossible(flag);
  if (!life.autoRemove || life.detached || options.tty === true) {
    const message = "--runtime: not possible here (expected --rm, and neither -d nor -t)";
    throw new UsageError("BAD_FLAG", message, { hint: "another runtime's containers run in the foreground" });
  }
  findRuntime(options.runtime ?? "");
  if ((await context.privilege()).kind === "root") return;
  throw new LaunchError("NO_NAMESPACES", "--runtime: not root (expected root)", {
    hint: "run it with sudo, or leave --runtime out",
  });
}

function impossibleFlag(options: RunOptions): string | undefined {
  const { network, isolation, pid, ipc, init } = options;
  const wanted = {
    [`--network ${network}`]: network !== "none" && network !== "host",
    "--dns, --add-host or --publish": needsNetwork(options),
    "--isolation chroot": isolation === "chroot",
    "--pid": pid !== undefined,
    "--ipc container:…": ipc !== undefined && ipc !== "host",
    "--init": init === true,
  };
  return Object.entries(wanted).find(([, given]) => given)?.[0];
}

function impossible(flag: string): UsageError {
  const network = flag.startsWith("--network");
  const message = `${printable(flag, 100)}: not possible with --runtime${network ? " (expected none or host)" : ""}`;
  return new UsageError("BAD_FLAG", message, {
    hint: network ? "add --network none or --network host" : `leave out ${flag}, or --runtime`,
  });
}

/** The process on record is the runtime then, whose namespaces are not the container's. @throws LaunchError NO_NAMESPACES */
export function requireOurs({ state }: Container, command: string): void {
  const { runtime } = state.options;
  if (runtime === undefined) return;
  const message = `${command}: ${nameOf(state)}: runs under ${printable(runtime, 100)} (expected no --runtime)`;
  throw new LaunchError("NO_NAMESPACES", message, {
    hint: "its namespaces are known to that runtime only",
  });
}
