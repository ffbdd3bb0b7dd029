import type { PreparedExec } from "./exec.js";

/** Replaces this process by the one that waits for the command. */
export async function becomeExec({ helperPath, planPath }: PreparedExec): Promise<never> {
  const { execHelper } = await import("../../helper/process.js");
  return execHelper(helperPath, planPath);
}
