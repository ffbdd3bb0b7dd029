import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { LaunchError, UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { findProgram } from "../../helper/find-program.js";
import type { CgroupPlan } from "../../launch/cgroups.js";
import { needsNetwork } from "../../launch/options/network.js";
import type { Spec } from "../../launch/oci-spec.js";
import { specWithinUserNamespace } from "../../launch/runtime-spec.js";
import type { RunOptions } from "../../launch/run-options.js";
import type { CreateRequest } from "./create.js";

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

/** Where the runtime finds its config.json: with the container's, unless it is to do without some of that. */
export function runtimeBundle(directory: string, spec: Spec, cgroups: CgroupPlan): string {
  const { uidMappings } = spec.linux;
  if (uidMappings === undefined) return directory;
  if (!uidMappings.some(({ containerID }) => containerID === 0)) throw noRoot(spec);
  const bundle = path.join(directory, "bundle");
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(bundle, "config.json"), JSON.stringify(specWithinUserNamespace(spec, cgroups)));
  return bundle;
}

/** A runtime works as root of its user namespace, and the one id there is has gone to the program. */
function noRoot({ process }: Spec): LaunchError {
  return new LaunchError(
    "BAD_USER",
    `--runtime: uid ${process.user.uid}: the only id here (expected root, or more ids)`,
    {
      hint: "give yourself ids in /etc/subuid and /etc/subgid, run it with sudo, or leave out --user or --runtime",
    },
  );
}

/** Before anything is pulled. @throws UsageError BAD_FLAG, LaunchError NO_RUNTIME */
export function checkRuntime({ options }: Pick<CreateRequest, "options">): void {
  const flag = impossibleFlag(options);
  if (flag !== undefined) throw impossible(flag);
  findRuntime(options.runtime ?? "");
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
