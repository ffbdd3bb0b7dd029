import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { pullrun, type CliOptions } from "./cli.js";

/** Starts a container under `name` that runs until the test is over, and waits until its command does. */
export async function runInBackground(
  args: readonly string[],
  options: CliOptions & { readonly root: string; readonly name: string },
): Promise<void> {
  const { name, ...rest } = options;
  const run = pullrun(["run", "-q", "--rm", "--name", name, ...args], {
    ...rest,
    onStart: (child) =>
      onTestFinished(async () => {
        await pullrun(["kill", name], rest);
        child.kill("SIGKILL");
        await run;
      }),
  });
  const ended = run.then(({ status, stderr }) => {
    throw new Error(`the container ended with ${status}: ${stderr}`);
  });
  ended.catch(() => undefined);
  for (;;) {
    const { stdout } = await Promise.race([pullrun(["ps", "-q", "-f", `name=${name}`], rest), ended]);
    if (stdout !== "" && (await isUp(name, rest))) return;
    await Promise.race([sleep(100), ended]);
  }
}

async function isUp(name: string, options: CliOptions): Promise<boolean> {
  return (await pullrun(["exec", name, "true"], options)).status === 0;
}
