import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readContainer } from "../../../src/api/containers/container.js";
import { endContainer } from "../../../src/api/containers/stop.js";
import { madeStore, statusOf } from "../../support/made-container.js";

/** What a supervisor has written of a process that is ours to kill. */
async function running(): Promise<{ child: ChildProcess; status: string }> {
  const child = spawn("sleep", ["100"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return { child, status: statusOf(child.pid ?? 0) };
}

test("stopping ends what runs now, also if it was started again since it was looked up", async () => {
  const { context, add } = await madeStore();
  const before = await running();
  const directory = await add("ab12", { stopTimeout: 2 }, before.status);
  const container = await readContainer(await context.helper(), directory);
  before.child.kill("SIGKILL");
  await once(before.child, "exit");
  const after = await running();
  writeFileSync(path.join(directory, "status"), after.status);
  if (container === undefined) throw new Error("no container");
  await endContainer(context, container, {});
  expect(after.child.signalCode).toBe("SIGTERM");
  expect(readFileSync(path.join(directory, "stop"), "utf8")).toBe("");
});
