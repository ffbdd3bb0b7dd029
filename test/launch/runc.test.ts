import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
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

  test("is killed beyond its memory limit", () => {
    expect(run(["eat", "200"], { memory: 32 << 20 })[0]).toBe(137);
  });
});
