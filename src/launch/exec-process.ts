import { posix } from "node:path";
import { LaunchError, UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { capabilityNames } from "../helper/constants.js";
import { mergeEnvironment } from "./env.js";
import type { CapabilitySets, Process } from "./oci-spec.js";
import { resolveUser, type AccountFiles } from "./user.js";

/** What `exec` was asked for. */
export interface ExecOptions {
  readonly args: readonly string[];
  /** `KEY=VALUE`, or `KEY` to unset. */
  readonly env: readonly string[];
  /** Else the container's own. */
  readonly user?: string;
  readonly workdir?: string;
  readonly interactive: boolean;
  readonly tty: boolean;
  /** In the background, with nobody watching. */
  readonly detached: boolean;
  /** With every capability there is. */
  readonly privileged: boolean;
}

export interface ExecProcessInput {
  /** The container's own first process. */
  readonly container: Process;
  readonly options: ExecOptions;
  readonly accounts: AccountFiles;
}

/** One more process of a container, in the form of a spec's `process`. @throws UsageError BAD_VALUE, LaunchError BAD_USER */
export function execProcess({ container, options, accounts }: ExecProcessInput): Process {
  const { user: wanted, args } = options;
  checkArguments(args);
  const user = wanted === undefined ? undefined : resolveUser(wanted, accounts);
  const groups = container.user.additionalGids === undefined ? {} : { additionalGids: user?.groups ?? [] };
  return {
    ...container,
    terminal: options.tty,
    user:
      user === undefined ? container.user : { ...container.user, uid: user.uid, gid: user.gid, ...groups },
    args,
    env: environment(container, options, user?.home),
    cwd: workingDir(container, options),
    capabilities: capabilities(container, { uid: user?.uid, privileged: options.privileged }),
  };
}

/** The container's, with the home of another user in it, and what `-e` says over both. */
function environment(container: Process, { env, tty }: ExecOptions, home: string | undefined): string[] {
  const more = [...(home === undefined ? [] : [`HOME=${home}`]), ...(tty ? ["TERM=xterm"] : []), ...env];
  return mergeEnvironment(container.env, more);
}

function workingDir(container: Process, { workdir }: ExecOptions): string {
  if (workdir === undefined) return container.cwd;
  if (workdir.startsWith("/") && !workdir.includes("\0")) return posix.resolve("/", workdir);
  throw new UsageError("BAD_VALUE", `--workdir: ${printable(workdir, 80)} (expected an absolute path)`);
}

/** Root gets what the container's root has at most, another user nothing (CVE-2022-29162: nothing to inherit either). */
function capabilities(
  container: Process,
  { uid, privileged }: { readonly uid: number | undefined; readonly privileged: boolean },
): CapabilitySets {
  if (uid === undefined && !privileged) return container.capabilities;
  const bounding = privileged ? capabilityNames : container.capabilities.bounding;
  const isRoot = (uid ?? container.user.uid) === 0;
  return isRoot ? { bounding, effective: bounding, permitted: bounding } : { bounding };
}

function checkArguments(args: readonly string[]): void {
  const hostile = args.find((arg) => arg.includes("\0"));
  if (hostile === undefined && args.length > 0) return;
  throw new LaunchError("NO_COMMAND", "exec: no command to run (expected one after the container's name)");
}
