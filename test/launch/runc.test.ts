import { spawnSync } from "node:child_process";
import { readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createContainerId } from "../../src/launch/container-id.js";
import { readHostFacts } from "../../src/launch/host-facts.js";
import type { RunOptions } from "../../src/launch/run-options.js";
import { imageConfig, runOptions, spec } from "./samples.js";
import { callAnswers, callArguments } from "./denied-calls.js";
import { canIsolate } from "./launcher.js";
import { hasCompiler, hasTool, makeProbeRootfs, type ProbeRootfs } from "./probe.js";

const runs = canIsolate && hasCompiler && hasTool("runc");

describe.skipIf(!runs)("needs root with namespaces, runc and cc: a spec under runc, unchanged", () => {
  let probe: ProbeRootfs;
  beforeAll(() => {
    probe = makeProbeRootfs();
  });
  afterAll(() => {
    probe.remove();
  });

  function run(
    args: readonly string[],
    options: Partial<RunOptions> = {},
    user = "",
  ): [number | null, string] {
    const containerId = createContainerId();
    const made = spec({
      image: imageConfig({ entrypoint: ["/probe"], user, env: ["FROM=image"], workingDir: "/made/here" }),
      options: runOptions({ args, ...options }),
      containerId,
      host: readHostFacts(),
    });
    writeFileSync(join(probe.directory, "config.json"), JSON.stringify(made));
    const root = join(probe.directory, "state");
    const result = spawnSync("runc", ["--root", root, "run", "-b", probe.directory, containerId], {
      encoding: "utf8",
    });
    return [result.status, result.stdout + result.stderr];
  }

  test("starts the command in its directory with its environment and gives back its exit code", () => {
    const [status, output] = run(["pid", "", "cwd", "", "env", "", "exit", "42"]);
    expect(output).toContain("pid 1\ncwd /made/here\nPATH=");
    expect(output).toContain("FROM=image\nHOME=/\n");
    expect(status).toBe(42);
  });

  test("has docker's privileges, devices and hidden paths", () => {
    const [status, output] = run([
      "cat",
      "/proc/self/status",
      "open",
      "/dev/null",
      "write",
      "/proc/sys/kernel/hostname",
    ]);
    expect(output).toMatch(
      /CapInh:\t0+\nCapPrm:\t0*a80425fb\nCapEff:\t0*a80425fb\nCapBnd:\t0*a80425fb\nCapAmb:\t0+\n/,
    );
    expect(output).toContain("/dev/null ok\n/proc/sys/kernel/hostname EROFS\n");
    expect(status).toBe(0);
  });

  test("is denied the same system calls as under our own helper", () => {
    expect(run(callArguments)).toEqual([0, callAnswers]);
  });

  test("runs as another user, without capabilities", () => {
    const [, output] = run(["cat", "/proc/self/status"], {}, "1000:1001");
    expect(output).toMatch(/Uid:\t1000\t1000/);
    expect(output).toMatch(/Groups:\t1001 ?\n/);
    expect(output).toMatch(/CapEff:\t0+\n/);
  });

  test("runs read-only, on the host's network, and with limits", () => {
    const limits = { memory: 64 << 20, pidsLimit: 20, cpus: 0.5 };
    const [status, output] = run(["create", "/new", "list", "/sys/class/net"], {
      readOnly: true,
      network: "host",
      ...limits,
    });
    expect(output).toContain("/new EROFS\n");
    expect(status).toBe(0);
  });

  test.each([
    ["capabilities", { capDrop: ["ALL"], capAdd: ["SYS_TIME"] }, /^CapBnd:\t0*2000000$/m],
    ["no new privileges", { noNewPrivileges: true }, /^NoNewPrivs:\t1$/m],
    ["no filter", { seccomp: "unconfined" }, /^Seccomp:\t0$/m],
    ["everything", { privileged: true }, /^Seccomp:\t0$/m],
    ["further groups", { groupAdd: ["777"] }, /^Groups:\t0 777 ?$/m],
  ] as const)("has %s as with our own helper", (_, options, expected) => {
    expect(run(["cat", "/proc/self/status"], options)).toEqual([0, expect.stringMatching(expected)]);
  });

  test("has settings and limits as with our own helper", () => {
    const files = ["/proc/sys/net/ipv4/ip_forward", "/proc/self/oom_score_adj", "/proc/self/limits"];
    const [status, output] = run(
      files.flatMap((file) => ["cat", file]),
      {
        sysctls: { "net.ipv4.ip_forward": "1" },
        oomScoreAdj: 300,
        ulimits: [{ name: "nofile", soft: 100, hard: 200 }],
      },
    );
    expect(output).toMatch(/^1\n300\n/);
    expect(output).toMatch(/^Max open files +100 +200 /m);
    expect(status).toBe(0);
  });

  test("shares the host's namespaces", () => {
    const kinds = ["pid", "ipc", "uts", "net"];
    const [, output] = run(
      kinds.flatMap((kind) => ["link", `/proc/self/ns/${kind}`]),
      { pid: "host", ipc: "host", uts: "host", network: "host" },
    );
    expect(output).toBe(kinds.map((kind) => `${readlinkSync(`/proc/self/ns/${kind}`)}\n`).join(""));
  });

  test("is killed beyond its memory limit", () => {
    expect(run(["eat", "200"], { memory: 32 << 20 })[0]).toBe(137);
  });
});
