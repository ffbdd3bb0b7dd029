import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import { openHelper } from "../../src/helper/process.js";
import type { Plan, PlanStep } from "../../src/helper/plan.js";
import { fork, helperPath, shell, shellEnvironment, temporaryDirectory, testHelper } from "./support.js";

const helper = testHelper();

/** Runs a plan and returns what its program wrote to stdout. */
async function output(plan: Plan): Promise<string> {
  const file = join(temporaryDirectory(), "out");
  const fd = openSync(file, "w");
  try {
    await helper.run(plan, { stdout: fd });
  } finally {
    closeSync(fd);
  }
  return readFileSync(file, "utf8");
}

describe("exit status", () => {
  test.each([
    ["of a program that succeeds", "exit 0", 0],
    ["of one that does not", "exit 42", 42],
    ["of one that uses our own number", "exit 125", 125],
    ["of one killed by SIGKILL", "kill -9 $$", 137],
    ["of one killed by SIGTERM", "kill -15 $$", 143],
  ])("is that %s", async (_, command, status) => {
    expect(await helper.run([fork, ...shell(command)], {})).toBe(status);
  });

  test("is that of the exit step", async () => {
    expect(await helper.run([fork, { kind: "exit", code: 9 }], {})).toBe(9);
  });

  test("is the program's own when there is no supervisor", async () => {
    expect(await helper.run(shell("exit 3"), {})).toBe(3);
  });
});

describe("a program that cannot be started", () => {
  function directory(): string {
    const path = temporaryDirectory();
    writeFileSync(join(path, "plain"), "text", { mode: 0o644 });
    writeFileSync(join(path, "garbage"), "\u0001\u0002\u0003", { mode: 0o755 });
    writeFileSync(join(path, "script"), "#!/no/such/interpreter\n", { mode: 0o755 });
    mkdirSync(join(path, "directory"));
    chmodSync(path, 0o755);
    return path;
  }

  test.each([
    ["is not in PATH", "nothing", "EXEC_NOT_FOUND", 127],
    ["is not where it should be", "./nothing", "EXEC_NOT_FOUND", 127],
    ["is below a file", "./plain/nothing", "EXEC_NOT_FOUND", 127],
    ["is not executable", "./plain", "EXEC_DENIED", 126],
    ["is not executable but in PATH", "plain", "EXEC_DENIED", 126],
    ["is a directory", "./directory", "EXEC_DENIED", 126],
    ["is a directory in PATH", "directory", "EXEC_NOT_FOUND", 127],
    ["has an unknown format", "./garbage", "EXEC_DENIED", 126],
    ["has no interpreter", "./script", "EXEC_NOT_FOUND", 127],
  ])("because it %s", async (_, program, code, exitStatus) => {
    const path = directory();
    const plan: Plan = [
      fork,
      { kind: "working-dir", path },
      { kind: "environment", entries: [`PATH=${path}`] },
      { kind: "exec", argv: [program] },
    ];
    const run = helper.run(plan, {});
    await expect(run).rejects.toMatchObject({
      code,
      info: { details: { kind: "exec", step: 4, exitStatus } },
    });
  });

  test("says so when it is there and only its interpreter is missing", async () => {
    const plan: Plan = [
      { kind: "working-dir", path: directory() },
      { kind: "exec", argv: ["./script"] },
    ];
    await expect(helper.run(plan, {})).rejects.toThrow("its interpreter or loader is missing");
  });
});

describe("a failing step", () => {
  const missing: PlanStep = { kind: "root-dir", path: "/no/such/directory" };

  test("is named with its number, errno, object and hint, and nothing after it is done", async () => {
    const path = join(temporaryDirectory(), "made");
    const plan: Plan = [fork, { kind: "hint", text: "make it" }, missing, { kind: "exit", code: 0 }];
    await expect(helper.run([{ kind: "make-dir", path, mode: 0o700 }, ...plan], {})).rejects.toMatchObject({
      code: "HELPER_FAILED",
      message: "cannot open the root directory: /no/such/directory: No such file or directory",
      hint: "make it",
      info: {
        details: {
          step: 4,
          kind: "root-dir",
          errno: "ENOENT",
          object: "/no/such/directory",
          exitStatus: 125,
        },
      },
    });
  });

  test("does not end the plan when it is optional", async () => {
    expect(await helper.run([fork, { ...missing, optional: true }, { kind: "exit", code: 4 }], {})).toBe(4);
  });

  test("has its hint taken back by an empty one", async () => {
    const hints: Plan = [
      { kind: "hint", text: "a" },
      { kind: "hint", text: "" },
    ];
    await expect(helper.run([...hints, fork, missing], {})).rejects.toMatchObject({
      info: { details: { step: 4 } },
    });
    const error: unknown = await helper.run([...hints, fork, missing], {}).catch((thrown: unknown) => thrown);
    expect((error as { hint?: string }).hint).toBeUndefined();
  });

  test.each([
    ["control characters", "no\n\u001b[31m", "no??[31m"],
    ["control characters of eight bits", "\u007f\u0080\u009b31m\u009f\u00a0", "???31m?\u00a0"],
    ["characters that turn the order", "\u061c\u200e\u200f\u202a\u202e\u2066\u2069", "???????"],
    ["line separators", "\u2028\u2029", "??"],
    ["their neighbours", "\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a", ""],
    ["text of all lengths", "e\u00e9\u20ac\u{1f600}", ""],
    ["bytes that are no UTF-8", "a\xff\x9b\xe2\x80/\xe0\x82\x9b\xf0\x9f", "a????/???"],
  ])("with %s in its object is still one line, which no terminal acts upon", (name, text, shown) => {
    const bytes = Buffer.from(text, name.includes("no UTF-8") ? "latin1" : "utf8");
    const plan = encodePlan([fork, { kind: "root-dir", path: "/".padEnd(bytes.length + 1, "x") }]);
    bytes.copy(plan, plan.lastIndexOf("/x") + 1);
    const file = join(temporaryDirectory(), "plan");
    writeFileSync(file, plan);
    const { stderr, status } = spawnSync(helperPath(), ["run", file], { encoding: "utf8" });
    const line = `/${shown === "" ? text : shown}: No such file or directory\n`;
    expect({ stderr, status }).toEqual({
      stderr: `pullrun: cannot open the root directory: ${line}`,
      status: 125,
    });
  });
});

describe("the program", () => {
  test("sees no descriptor but its standard three, whatever its starter left open", () => {
    const file = join(temporaryDirectory(), "plan");
    const list = "for n in 0 1 2 3 4 5 6 7 8 9 10 11 12; do [ -e /proc/self/fd/$n ] && echo $n; done; true";
    writeFileSync(file, encodePlan([fork, ...shell(list)]));
    const args = ["-c", 'exec "$@" 5</ 7</etc/passwd 9>/dev/null', "sh", helperPath(), "run", file, "9"];
    const { stdout } = spawnSync("sh", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    expect(stdout.trim().split("\n")).toEqual(["0", "1", "2"]);
  });

  test("gets exactly the environment of the plan", async () => {
    const entries = ["PATH=/usr/bin:/bin", "A=1", "B="];
    const text = await output([
      fork,
      { kind: "environment", entries },
      { kind: "exec", argv: ["cat", "/proc/self/environ"] },
    ]);
    expect(text.split("\0").slice(0, -1)).toEqual(entries);
  });

  test("starts with default signal handling, nothing blocked, and the umask of the plan", async () => {
    const cat: PlanStep = { kind: "exec", argv: ["cat", "/proc/self/status"] };
    const status = await output([fork, { kind: "umask", mask: 0o027 }, shellEnvironment, cat]);
    expect(status).toMatch(/^SigBlk:\t0+$/m);
    expect(status).toMatch(/^SigIgn:\t0+$/m);
    expect(status).toMatch(/^Umask:\t0027$/m);
  });

  test("keeps the umask it would have had when the plan has none", async () => {
    const own = /^Umask:\t(\d+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    expect(await output([fork, ...shell("umask")])).toBe(`${own}\n`);
  });

  test("reads /dev/null when nothing else is given", async () => {
    expect(await output([fork, { kind: "stdin-null" }, ...shell("readlink /proc/self/fd/0")])).toBe(
      "/dev/null\n",
    );
  });
});

describe("input", () => {
  async function* chunks(count: number, size: number): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < count; i++) yield Buffer.alloc(size, i);
  }

  test("arrives whole, in many small pieces or few large ones", async () => {
    const count = [fork, ...shell("wc -c")];
    const file = join(temporaryDirectory(), "out");
    const fd = openSync(file, "w");
    await helper.run(count, { stdout: fd, input: chunks(20_000, 97) });
    await helper.run(count, { stdout: fd, input: chunks(3, 8 << 20) });
    closeSync(fd);
    expect(readFileSync(file, "utf8").trim().split(/\s+/)).toEqual(["1940000", String(24 << 20)]);
  });

  test("nobody reads does not fail a run", async () => {
    expect(await helper.run([fork, { kind: "exit", code: 5 }], { input: chunks(100, 1 << 20) })).toBe(5);
  });

  test("that throws ends the run with its own error", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("x");
      throw new Error("the layer is broken");
    }
    await expect(helper.run([fork, ...shell("cat >/dev/null")], { input: failing() })).rejects.toThrow(
      "the layer is broken",
    );
  });
});

describe("abort", () => {
  test("before the start runs nothing", async () => {
    const path = join(temporaryDirectory(), "made");
    const run = helper.run([{ kind: "make-dir", path, mode: 0o700 }], { signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(() => readFileSync(path)).toThrow("ENOENT");
  });

  test("kills the helper and the program", async () => {
    const controller = new AbortController();
    const pidFile = join(temporaryDirectory(), "pid");
    const run = helper.run([fork, ...shell(`echo $$ > ${pidFile}; exec sleep 1000`)], {
      signal: controller.signal,
    });
    const pid = Number(await untilWritten(pidFile));
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: "INTERRUPTED" });
    await untilGone(pid);
  });
});

async function untilWritten(path: string): Promise<string> {
  for (;;) {
    try {
      const text = readFileSync(path, "utf8");
      if (text.endsWith("\n")) return text;
    } catch {
      // not there yet
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      if (/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a helper that is not there is said to be missing, with what to do", async () => {
  const run = openHelper("/no/such/helper").run([fork], {});
  await expect(run).rejects.toMatchObject({
    code: "NO_HELPER",
    hint: expect.stringContaining("npm run build") as unknown,
  });
});

test.each([
  ["no arguments", []],
  ["an unknown command", ["sudo", "x"]],
  ["a status descriptor that is not open", ["run", "/dev/null", "77"]],
  ["a status descriptor that is standard output", ["run", "/dev/null", "1"]],
  ["a plan that is not there", ["run", "/no/such/plan"]],
  ["a plan that is a directory", ["run", "/"]],
  ["an empty plan", ["run", "/dev/null"]],
  ["a plan that never ends", ["run", "/dev/zero"]],
  ["a plan descriptor that is not open", ["run", "fd:77"]],
])("the helper refuses %s", (_, args) => {
  const { status, stderr } = spawnSync(helperPath(), args, { encoding: "utf8" });
  expect(stderr).toMatch(/^pullrun: .+\n$/);
  expect(status).toBe(125);
});
