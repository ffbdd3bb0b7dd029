import { writeFileSync } from "node:fs";
import path from "node:path";
import { LaunchError } from "../../core/errors.js";
import { encodePlan } from "../../helper/plan-encoding.js";
import type { Plan } from "../../helper/plan.js";
import { randomBytes } from "../../helper/random.js";
import { execProcess, type ExecOptions } from "../../launch/exec-process.js";
import { readOwnCapabilities } from "../../launch/host-facts.js";
import { planExec } from "../../launch/plan-exec.js";
import type { Context } from "../context.js";
import { seccompProgram } from "../seccomp.js";
import { accountFilesOf } from "./accounts.js";
import { cgroupsOf } from "./cgroups.js";
import type { Container } from "./container.js";
import { findContainer } from "./find.js";
import { nameOf } from "./names.js";
import { notRunning } from "./signal.js";
import { readSpec } from "./spec-file.js";

export type { ExecOptions };

export interface PreparedExec {
  readonly helperPath: string;
  readonly plan: Plan;
  /** The container's. */
  readonly directory: string;
  readonly tty: boolean;
}

/** Decides how one more process joins a running container. @throws LaunchError NOT_RUNNING, BAD_USER, UsageError */
export async function prepareExec(
  context: Context,
  word: string,
  options: ExecOptions,
): Promise<PreparedExec> {
  const container = await findContainer(context, word);
  const plan = await planOf(context, container, options);
  const { directory } = container;
  return { helperPath: (await context.helper()).path, plan, directory, tty: options.tty };
}

/** Starts it in the background; returns once it runs. @throws LaunchError EXEC_NOT_FOUND, EXEC_DENIED, … */
export async function execDetached(context: Context, { helperPath, plan }: PreparedExec): Promise<void> {
  const { startDetached } = await import("../../helper/process.js");
  await startDetached(helperPath, plan, context.signal);
}

/** Writes the plan to a file for the process we become, which deletes it at its end. */
export async function writeExecPlan({ plan, directory }: PreparedExec): Promise<string> {
  const file = path.join(directory, `exec-${randomBytes(6).toString("hex")}`);
  const removal: Plan = [{ kind: "cleanup" }, { kind: "remove-tree", path: file }];
  writeFileSync(file, encodePlan([...plan, ...removal]), { mode: 0o600 });
  return file;
}

async function planOf(context: Context, container: Container, options: ExecOptions): Promise<Plan> {
  const { id, pid, status, state, directory } = container;
  if (container.phase !== "running" || pid === 0) throw notRunning(container, "exec");
  if (state.options.isolation === "chroot") throw inChroot(container);
  const spec = await readSpec(directory);
  const process = execProcess({
    container: spec.process,
    options,
    accounts: await accountFilesOf(context, container),
  });
  const cgroups = await cgroupsOf(container);
  return planExec({
    container: {
      containerId: id,
      pid,
      start: BigInt(status?.start ?? 0),
      namespaces: spec.linux.namespaces.map(({ type }) => type),
      procsFiles: cgroups.map(({ own }) => `${own}/cgroup.procs`),
    },
    process,
    own: readOwnCapabilities(),
    interactive: options.interactive,
    supervised: options.tty || options.detached,
    seccomp: options.privileged ? undefined : await seccompProgram(spec.linux.seccomp),
  });
}

function inChroot({ state }: Container): LaunchError {
  return new LaunchError(
    "NO_NAMESPACES",
    `exec: ${nameOf(state)}: its isolation is chroot (expected namespaces)`,
    {
      hint: "there is nothing to join: run another container",
    },
  );
}
