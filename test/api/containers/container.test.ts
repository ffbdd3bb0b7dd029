import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { publishedPorts } from "../../../src/api/containers/port.js";
import { readContainer } from "../../../src/api/containers/container.js";
import { madeStore, ownStatus, thisBoot } from "../../support/made-container.js";

const id = "ab12".padEnd(64, "0");

async function look(status?: string): Promise<object> {
  const { context, add } = await madeStore();
  const directory = await add(id, {}, status);
  const found = await readContainer(await context.helper(), directory);
  return { phase: found?.phase, pid: found?.pid, exitCode: found?.exitCode };
}

describe("a container is", () => {
  test("created while nobody has started it", async () => {
    expect(await look()).toEqual({ phase: "created", pid: 0, exitCode: 0 });
    expect(await look("state created\n")).toEqual({ phase: "created", pid: 0, exitCode: 0 });
  });

  test("running while the recorded process is alive", async () => {
    expect(await look(ownStatus())).toEqual({ phase: "running", pid: process.pid, exitCode: 0 });
  });

  test("exited with its status once the supervisor has said so", async () => {
    const status = `state exited\npid 0\nboot ${thisBoot}\nexit 42\n`;
    expect(await look(status)).toEqual({ phase: "exited", pid: 0, exitCode: 42 });
  });

  test("exited with 137 when it was killed together with its supervisor", async () => {
    const status = `state running\npid 999999999\nstart 1\nboot ${thisBoot}\n`;
    expect(await look(status)).toEqual({ phase: "exited", pid: 0, exitCode: 137 });
  });

  test("not taken for another process that has got its pid since", async () => {
    const status = ownStatus().replace(/^start .*$/m, "start 1");
    expect(await look(status)).toEqual({ phase: "exited", pid: 0, exitCode: 137 });
  });

  test("exited with 255 when it was running as the machine went down", async () => {
    const status = ownStatus().replace(/^boot .*$/m, "boot 00000000-0000-0000-0000-000000000000");
    expect(await look(status)).toEqual({ phase: "exited", pid: 0, exitCode: 255 });
  });

  test("restarting while its supervisor lives and it does not", async () => {
    const { context, add } = await madeStore();
    const directory = await add(id, {}, `state exited\nboot ${thisBoot}\nexit 1\n`);
    const helper = await context.helper();
    const lock = await helper.lock(path.join(directory, "lock"));
    expect(await readContainer(helper, directory)).toMatchObject({ phase: "restarting", exitCode: 1 });
    await lock.release();
    expect(await readContainer(helper, directory)).toMatchObject({ phase: "exited", exitCode: 1 });
  });
});

test("a container has its ports and its address while it is up, and not when it has ended", async () => {
  const { context, add } = await madeStore();
  const port = { protocol: "tcp", hostIp: "0.0.0.0", hostPort: 8080, containerPort: 80 } as const;
  const network = { address: "10.87.0.2", prefix: 16, gateway: "10.87.0.1", mac: "" };
  await add("aa", { ports: [port], network }, ownStatus());
  await add("bb", { ports: [port], network }, `state exited\nboot ${thisBoot}\nexit 0\n`);
  const reached = [{ port: "80/tcp", host: "0.0.0.0:8080" }];
  expect(await publishedPorts(context, "aa")).toEqual(reached);
  expect(await publishedPorts(context, "bb")).toEqual([]);
});

test("a state of a newer version is refused politely, a damaged one with the way to remove it", async () => {
  const { context, add } = await madeStore();
  const directory = await add(id);
  const helper = await context.helper();
  writeFileSync(path.join(directory, "state.json"), `{"version":2,"id":"${id}"}`);
  await expect(readContainer(helper, directory)).rejects.toMatchObject({ code: "SCHEMA_NEWER" });
  writeFileSync(path.join(directory, "state.json"), '{"version":1,');
  await expect(readContainer(helper, directory)).rejects.toMatchObject({
    code: "CORRUPT",
    hint: `remove the container with: pullrun rm -f ${id.slice(0, 12)}`,
  });
});
