import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mustRun } from "../support/tools.js";
import { helperPath, temporaryDirectory, testHelper } from "./support.js";

const helper = testHelper();

/** Settles to "waiting" unless the promise is settled already or by what is going on right now. */
async function state(promise: Promise<unknown>): Promise<string> {
  const later = new Promise<string>((resolve) => setTimeout(resolve, 200, "waiting"));
  return Promise.race([promise.then(() => "done"), later]);
}

test("a second taker waits until the first releases", async () => {
  const path = join(temporaryDirectory(), "lock");
  const first = await helper.lock(path);
  const second = helper.lock(path);
  expect(await state(second)).toBe("waiting");
  await first.release();
  await (await second).release();
});

test("the lock file is made for us alone and stays", async () => {
  const path = join(temporaryDirectory(), "lock");
  await (await helper.lock(path)).release();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("what it takes is free for other processes as soon as it is released, and not before", async () => {
  const file = join(temporaryDirectory(), "lock");
  const held = await helper.lock(file);
  const tried = (): Promise<number> =>
    testHelper().run(
      [
        { kind: "lock", path: file },
        { kind: "exit", code: 0 },
      ],
      {},
    );
  await expect(tried()).rejects.toMatchObject({ info: { details: { errno: "EAGAIN" } } });
  await held.release();
  expect(await tried()).toBe(0);
});

test("more locks than one helper holds are all held", async () => {
  const own = testHelper();
  const directory = temporaryDirectory();
  const files = Array.from({ length: 515 }, (_, number) => join(directory, String(number)));
  const held = await Promise.all(files.map((file) => own.lock(file)));
  const next = helper.lock(files[513] as string);
  expect(await state(next)).toBe("waiting");
  for (const lock of held) await lock.release();
  await (await next).release();
  await (await own.lock(files[0] as string)).release();
});

test("with the last lock the process that holds them ends", async () => {
  const own = testHelper();
  const directory = temporaryDirectory();
  const ours = (): Promise<string> => mustRun("ps", ["-o", "stat=,args=", "--ppid", String(process.pid)]);
  const held = [await own.lock(join(directory, "a")), await own.lock(join(directory, "b"))];
  for (const lock of held) {
    expect(await ours()).toMatch(/-helper locks/);
    await lock.release();
  }
  expect(await ours()).not.toMatch(/-helper locks|defunct/);
});

test("releasing twice is fine", async () => {
  const lock = await helper.lock(join(temporaryDirectory(), "lock"));
  await lock.release();
  await lock.release();
});

test("of many takers at once each has it alone", async () => {
  const directory = temporaryDirectory();
  const counter = join(directory, "counter");
  writeFileSync(counter, "0");
  const take = async (): Promise<void> => {
    const lock = await helper.lock(join(directory, "lock"));
    const before = Number(readFileSync(counter, "utf8"));
    await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(counter, String(before + 1));
    await lock.release();
  };
  await Promise.all(Array.from({ length: 12 }, take));
  expect(readFileSync(counter, "utf8")).toBe("12");
});

test("the death of its holder by SIGKILL releases it", async () => {
  const path = join(temporaryDirectory(), "lock");
  const holder = spawn(helperPath(), ["lock", path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  const next = helper.lock(path);
  expect(await state(next)).toBe("waiting");
  holder.kill("SIGKILL");
  await (await next).release();
});

test("a helper whose owner goes away while it waits ends", async () => {
  const path = join(temporaryDirectory(), "lock");
  const lock = await helper.lock(path);
  const waiting = spawn(helperPath(), ["lock", path], { stdio: ["pipe", "pipe", "inherit"] });
  expect(await state(once(waiting.stdout, "data"))).toBe("waiting");
  waiting.stdin.end();
  await once(waiting, "exit");
  await lock.release();
});

test("an abort ends the waiting, not a lock that is held", async () => {
  const path = join(temporaryDirectory(), "lock");
  const controller = new AbortController();
  const held = await helper.lock(path, controller.signal);
  const waiting = helper.lock(path, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  const next = helper.lock(path);
  expect(await state(next)).toBe("waiting");
  await held.release();
  await (await next).release();
});

test("a symlink in place of the lock file is refused", async () => {
  const directory = temporaryDirectory();
  symlinkSync(join(directory, "elsewhere"), join(directory, "lock"));
  await expect(helper.lock(join(directory, "lock"))).rejects.toThrow(/^cannot lock: .*Too many levels/);
});

test("a directory that is not there is an error with its path", async () => {
  await expect(helper.lock("/no/such/lock")).rejects.toThrow(
    "cannot lock: /no/such/lock: No such file or directory",
  );
});

test("Ctrl-C in a terminal, which goes to our whole process group, does not end a lock we hold", async () => {
  const file = join(temporaryDirectory(), "lock");
  const held = await helper.lock(file);
  const children = await mustRun("ps", ["-o", "pgid=,args=", "--ppid", String(process.pid)]);
  const line = children.split("\n").find((text) => /-helper locks?( |$)/.test(text));
  const own = await mustRun("ps", ["-o", "pgid=", "-p", String(process.pid)]);
  expect(line).toBeDefined();
  expect(line?.trim().split(/\s+/)[0]).not.toBe(own.trim());
  await held.release();
});
