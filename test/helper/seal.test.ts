import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { cloneFlags } from "../../src/helper/constants.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import type { Plan, PlanStep } from "../../src/helper/plan.js";
import { openHelper } from "../../src/helper/process.js";
import {
  fork,
  helperPath,
  isolated,
  isRoot,
  namespacesAvailable,
  shell,
  stranger,
  temporaryDirectory,
} from "./support.js";

const available = await namespacesAvailable();
const { CLONE_NEWNS, CLONE_NEWPID } = cloneFlags;

function ownHelper(owner = 0): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const path = join(directory, "helper");
  copyFileSync(helperPath(), path);
  if (isRoot) chownSync(path, owner, owner);
  return path;
}

function start(helper: string, plan: Plan): ChildProcess {
  const file = join(temporaryDirectory(), "plan");
  writeFileSync(file, encodePlan(plan));
  const child = spawn(helper, ["run", file], { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function said(child: ChildProcess, text: string): Promise<string> {
  let all = "";
  return new Promise((resolve) => {
    child.stdout?.on("data", (data: Buffer) => {
      all += data.toString();
      if (all.includes(text)) resolve(all);
    });
    child.once("close", () => {
      resolve(all);
    });
  });
}

test("a plan that asks for it runs from a file nobody can write to, its status descriptor still open", async () => {
  const helper = openHelper(ownHelper());
  const write = 'sh -c "true > /proc/$PPID/exe" && echo written; exit 3';
  expect(await helper.run([{ kind: "seal" }, fork, ...shell(write)], {})).toBe(3);
  await expect(helper.run([{ kind: "seal" }, { kind: "exec", argv: ["/none"] }], {})).rejects.toMatchObject({
    code: "EXEC_NOT_FOUND",
  });
});

test("a plan in which sealing comes later is refused: it is too late then", async () => {
  const late: Plan = [{ kind: "umask", mask: 0o22 }, { kind: "seal" }, { kind: "exit", code: 0 }];
  await expect(openHelper(ownHelper()).run(late, {})).rejects.toMatchObject({
    info: { details: { kind: "seal", errno: "EPERM" } },
  });
});

test.skipIf(!isRoot)("needs root: the same for a user whose own program the helper is", () => {
  const helper = ownHelper(stranger);
  const file = join(temporaryDirectory(), "plan");
  chmodSync(join(file, ".."), 0o755);
  writeFileSync(file, encodePlan([{ kind: "seal" }, fork, ...shell("readlink /proc/$PPID/exe")]), {
    mode: 0o644,
  });
  const args = [`--reuid=${stranger}`, `--regid=${stranger}`, "--clear-groups", helper, "run", file];
  const { stdout, stderr } = spawnSync("setpriv", args, { encoding: "utf8" });
  expect(stdout + stderr).toBe("/memfd:pullrun-helper (deleted)\n");
});

describe.skipIf(!available || !isRoot)("needs root and namespaces: CVE-2019-5736", () => {
  /** A program of the image that becomes the helper itself, in a mode that lasts. */
  function imageProgram(): string {
    const path = join(temporaryDirectory(), "program");
    writeFileSync(path, "#!/proc/self/exe lock\n", { mode: 0o755 });
    return path;
  }

  const attack = `for p in /proc/[0-9]*; do
    case "$(tr '\\0' ' ' < $p/cmdline)" in "/proc/self/exe lock"*)
      exec 9< $p/exe; kill -9 \${p#/proc/}; while [ -e $p/exe ] && readlink $p/exe; do sleep 0.01; done
      # As long as the supervisor outside runs, the kernel says ETXTBSY.
      for i in $(seq 40); do
        echo overwritten > /proc/self/fd/9 && echo "it worked" && break; sleep 0.02
      done
      echo tried;;
    esac; done 2>&1`;

  async function attackOn(first: readonly PlanStep[]): Promise<{ changed: boolean; seen: string }> {
    const victim = ownHelper();
    const before = readFileSync(victim);
    const container = start(helperPath(), [
      isolated(),
      { kind: "private-mounts" },
      ...shell("mount -t proc proc /proc; echo ready; sleep 1000"),
    ]);
    await said(container, "ready");
    const children = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, "utf8");
    const pid = Number(children.trim());
    const began = BigInt(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[21] ?? "0");
    const enter: PlanStep = { kind: "join", pid, start: began, namespaces: CLONE_NEWNS | CLONE_NEWPID };
    const exec = start(victim, [...first, enter, fork, { kind: "exec", argv: [imageProgram()] }]);
    await said(exec, "locked");
    const seen = await said(start(helperPath(), [enter, fork, ...shell(attack)]), "tried");
    return { changed: !readFileSync(victim).equals(before), seen };
  }

  test("the helper cannot be overwritten through /proc/self/exe by a container it joins", async () => {
    const { changed, seen } = await attackOn([{ kind: "seal" }]);
    expect(seen).toContain("tried");
    expect(seen).not.toContain("it worked");
    expect(changed).toBe(false);
  });

  test("where it is not sealed the attack of this test works", async () => {
    expect(await attackOn([])).toMatchObject({ changed: true });
  });
});
