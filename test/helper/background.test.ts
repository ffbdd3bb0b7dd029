import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inputPolicies, restartPolicies, type Plan, type PlanStep } from "../../src/helper/plan.js";
import { startDetached } from "../../src/helper/process.js";
import {
  detached,
  ended,
  logged,
  logOf,
  statusOf,
  supervisedPlan,
  until,
  type Supervise,
} from "./supervised.js";
import { fork, helperBuilds, helperPath, shell, temporaryDirectory } from "./support.js";

describe.each(helperBuilds())("%s, in the background,", (_, path) => {
  const inBackground = (command: string, wanted: Partial<Supervise> = {}): Promise<string> =>
    detached(path, command, wanted);

  describe("a program", () => {
    test("runs on after its starter has ended, in a session of its own, and its end is on record", async () => {
      const directory = await inBackground("exit 7");
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({
        state: "exited",
        pid: "0",
        exit: "7",
        oom: "0",
        error: "",
      });
    });

    test("is on record with what tells it from a later process of that number", async () => {
      const directory = await inBackground("exec sleep 1000");
      const { state, pid = "", start, boot, started = "", supervisor = "" } = statusOf(directory);
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
      expect(state).toBe("running");
      expect(stat[21]).toBe(start);
      expect(stat[3]).toBe(supervisor);
      expect(boot).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
      expect(BigInt(started)).toBeGreaterThan(BigInt(Date.now() - 60_000) * 1_000_000n);
      expect(statSync(join(directory, "status")).mode & 0o777).toBe(0o600);
    });

    test("leaves nothing open that its starter had", async () => {
      const directory = await inBackground("exec sleep 1000");
      const { supervisor = "" } = statusOf(directory);
      const open = spawnSync("readlink", ["-e", ...[0, 1, 2].map((fd) => `/proc/${supervisor}/fd/${fd}`)]);
      expect(open.stdout.toString()).toBe("/dev/null\n/dev/null\n/dev/null\n");
      expect(spawnSync("readlink", [`/proc/${supervisor}/cwd`]).stdout.toString()).toBe("/\n");
    });

    test("takes at most 2 MB for being looked after", async () => {
      const directory = await inBackground("exec sleep 1000");
      const { supervisor = "" } = statusOf(directory);
      const [, rss = ""] =
        /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${supervisor}/status`, "utf8")) ?? [];
      if (path === helperPath()) expect(Number(rss)).toBeLessThanOrEqual(2048);
    });

    test("that cannot be started is an error of the start, and on record", async () => {
      const directory = temporaryDirectory();
      const start = startDetached(
        path,
        supervisedPlan(directory, [fork, { kind: "exec", argv: ["/no/such/program"] }]),
      );
      await expect(start).rejects.toMatchObject({
        code: "EXEC_NOT_FOUND",
        info: { details: { kind: "exec", exitStatus: 127 } },
      });
      expect(statusOf(directory)).toMatchObject({
        state: "exited",
        exit: "127",
        error: "cannot start the program: /no/such/program: No such file or directory",
      });
    });

    test.each([
      ["before the clone", [{ kind: "make-dir", path: "/no/such/dir", mode: 0o700 }], []],
      ["after it", [], [{ kind: "root-dir", path: "/no/such/dir" }]],
    ] as [string, Plan, Plan][])("whose plan fails %s is one too", async (_name, host, child) => {
      const directory = temporaryDirectory();
      const steps = supervisedPlan(directory, [...host, fork, ...child]);
      await expect(startDetached(path, steps)).rejects.toMatchObject({
        code: "HELPER_FAILED",
        info: { details: { errno: "ENOENT" } },
      });
      expect(statusOf(directory)["error"]).toMatch(/^cannot .*: \/no\/such\/dir: No such file or directory$/);
    });

    const killer: PlanStep = {
      kind: "program",
      input: "",
      otherwise: "",
      argv: ["/bin/sh", "-c", "kill -9 $PPID"],
    };

    test("that is killed before it could start is an error too", async () => {
      const directory = temporaryDirectory();
      const start = startDetached(path, supervisedPlan(directory, [fork, killer, ...shell("exit 0")]));
      await expect(start).rejects.toThrow("ended with status 137");
      expect(statusOf(directory)).toMatchObject({
        state: "exited",
        exit: "137",
        error: "the container's first process was ended before its program started",
      });
    });

    test.each([
      ["in the host phase", [killer, fork, ...shell("exit 0")]],
      ["while the child waits", [fork, ...shell("exit 0"), { kind: "created" }, killer, { kind: "cleanup" }]],
    ] as [string, Plan][])("whose supervisor is killed %s can be started again", async (_name, steps) => {
      const directory = temporaryDirectory();
      await expect(startDetached(path, supervisedPlan(directory, steps))).rejects.toThrow(
        "the container's supervisor died",
      );
      expect(existsSync(join(directory, "attach"))).toBe(true);
      await startDetached(path, supervisedPlan(directory, [fork, ...shell("exit 6")]));
      await ended(directory);
      expect(statusOf(directory)["exit"]).toBe("6");
    });

    test("cannot run twice in one directory", async () => {
      const directory = await inBackground("exec sleep 1000");
      await expect(startDetached(path, supervisedPlan(directory, [fork, ...shell("true")]))).rejects.toThrow(
        "cannot lock",
      );
      expect(statusOf(directory)["state"]).toBe("running");
    });

    test("dies with its supervisor", async () => {
      const directory = await inBackground("exec sleep 1000");
      const { supervisor, pid = "" } = statusOf(directory);
      process.kill(Number(supervisor), "SIGKILL");
      await until(() => !existsSync(`/proc/${pid}`));
      expect(statusOf(directory)["state"]).toBe("running");
      writeFileSync(join(directory, "status"), "state exited\n");
    });

    test("gets what its supervisor is asked to do", async () => {
      const directory = await inBackground("trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done");
      await until(() => logOf(directory).length > 0);
      process.kill(Number(statusOf(directory)["supervisor"]), "SIGTERM");
      await ended(directory);
      expect(statusOf(directory)["exit"]).toBe("9");
    });

    test("is cleaned up after before its end is on record", async () => {
      const directory = temporaryDirectory();
      const tree = join(directory, "tree");
      mkdirSync(tree);
      await startDetached(path, [
        ...supervisedPlan(directory, [fork, ...shell("exit 4")]),
        { kind: "cleanup" },
        { kind: "remove-tree", path: tree },
      ]);
      await ended(directory);
      expect(existsSync(tree)).toBe(false);
      expect(existsSync(join(directory, "attach"))).toBe(false);
    });
  });

  describe("the log", () => {
    test("has both streams, whole lines and parts of lines, with times", async () => {
      const directory = await inBackground("printf 'one\\ntwo\\npart'; printf 'wrong\\n' >&2; exit 0");
      await ended(directory);
      const lines = logOf(directory);
      for (const line of lines)
        expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z std(out|err) [FP] /);
      expect(lines.some((line) => line.endsWith("Z stdout P part"))).toBe(true);
      expect(logged(lines, "stdout")).toBe("one\ntwo\npart");
      expect(logged(lines, "stderr")).toBe("wrong\n");
      const minute = new Date().toISOString().slice(0, 11);
      expect(lines[0]?.slice(0, 11)).toBe(minute);
    });

    test("keeps every byte of much output, of long lines too", async () => {
      const directory = await inBackground("seq 100000; head -c 100000 /dev/zero | tr '\\0' x; echo", {
        logBytes: 1 << 30,
      });
      await ended(directory);
      const expected = `${Array.from({ length: 100_000 }, (_unused, i) => `${i + 1}\n`).join("")}${"x".repeat(100_000)}\n`;
      expect(logged(logOf(directory), "stdout") === expected).toBe(true);
    });

    test("is rotated once it has its size, and keeps one file before", async () => {
      const directory = await inBackground("seq 20000", { logBytes: 100_000 });
      await ended(directory);
      for (const name of ["log", "log.1"]) {
        const { size } = statSync(join(directory, name));
        expect(size).toBeGreaterThan(0);
        expect(size).toBeLessThanOrEqual(100_000);
      }
      const kept = logged([...logOf(directory, "log.1"), ...logOf(directory)], "stdout");
      expect(kept.endsWith("19999\n20000\n")).toBe(true);
      expect(kept.split("\n").length).toBeGreaterThan(2000);
    });

    test("is not kept when not wanted", async () => {
      const directory = await inBackground("echo words", { logBytes: 0 });
      await ended(directory);
      expect(existsSync(join(directory, "log"))).toBe(false);
    });
  });

  describe("standard input", () => {
    test("is empty unless it is wanted", async () => {
      const directory = await inBackground("cat; echo end");
      await ended(directory);
      expect(logged(logOf(directory), "stdout")).toBe("end\n");
    });

    test("that is kept open does not end", async () => {
      const directory = await inBackground("echo ready; cat; echo end", { input: inputPolicies.open });
      await until(() => logOf(directory).length > 0);
      expect(statusOf(directory)["state"]).toBe("running");
      expect(logOf(directory)).toHaveLength(1);
    });
  });

  describe("restarts", () => {
    test("happen as often as the policy says, and are counted", async () => {
      const directory = await inBackground("echo again; exit 3", {
        restart: restartPolicies["on-failure"],
        retries: 2,
      });
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({ exit: "3", restarts: "2" });
      expect(logged(logOf(directory), "stdout")).toBe("again\nagain\nagain\n");
    });

    test("do not happen after success unless always", async () => {
      const directory = await inBackground("exit 0", { restart: restartPolicies["on-failure"] });
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({ exit: "0", restarts: "0" });
    });

    test("end with the file `stop`, at once also while waiting", async () => {
      const directory = await inBackground("exit 0", { restart: restartPolicies.always });
      await until(
        () => Number(statusOf(directory)["restarts"]) >= 3 && statusOf(directory)["state"] === "restarting",
      );
      writeFileSync(join(directory, "stop"), "");
      await ended(directory);
      expect(statusOf(directory)["exit"]).toBe("0");
    });

    test("do not follow an end that was asked for", async () => {
      const directory = await inBackground("exec sleep 1000", { restart: restartPolicies.always });
      writeFileSync(join(directory, "stop"), "");
      process.kill(Number(statusOf(directory)["pid"]), "SIGTERM");
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({ exit: "143", restarts: "0" });
    });

    test("do not follow a start that failed", async () => {
      const directory = temporaryDirectory();
      const steps: Plan = [fork, { kind: "exec", argv: ["/no/such/program"] }];
      const start = startDetached(
        path,
        supervisedPlan(directory, steps, { restart: restartPolicies.always }),
      );
      await expect(start).rejects.toMatchObject({ code: "EXEC_NOT_FOUND" });
      expect(statusOf(directory)).toMatchObject({ state: "exited", restarts: "0" });
    });
  });
});
