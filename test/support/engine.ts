import { onTestFinished } from "vitest";
import { pullrun, temporaryDirectory, type CliOptions, type CliResult } from "./cli.js";
import type { TestUser } from "./users.js";

/** A store of its own and the command over it, as one user; what is left of its containers is ended with the test. */
export interface Engine {
  readonly root: string;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** For what must succeed: its standard output without the last newline. */
  ok(...args: readonly string[]): Promise<string>;
}

export function engine({ as }: Pick<TestUser, "as">): Engine {
  const root = temporaryStore(as);
  const run: Engine["run"] = (args, options = {}) => pullrun(args, { root, ...as, ...options });
  const ok: Engine["ok"] = async (...args) => {
    const { status, stdout, stderr } = await run(args);
    if (status !== 0) throw new Error(`pullrun ${args.join(" ")}: exit status ${status}: ${stderr}`);
    return stdout.replace(/\n$/, "");
  };
  return { root, run, ok };
}

/** A store whose containers are ended with the test, however that ends. */
export function temporaryStore(as: TestUser["as"] = {}): string {
  const root = temporaryDirectory(as);
  // After temporaryDirectory's own, so before it is deleted.
  onTestFinished(async () => {
    const { stdout } = await pullrun(["ps", "-aq"], { root, ...as });
    const ids = stdout.split("\n").filter((id) => id !== "");
    if (ids.length > 0) await pullrun(["rm", "-f", ...ids], { root, ...as });
  });
  return root;
}

export const quick = ["--network", "none"] as const;
