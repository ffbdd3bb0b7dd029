import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { sandboxAvailable, sandboxed } from "./sandbox.js";
import { have, isRoot, runTool } from "./tools.js";

const available = sandboxAvailable();
const needs = available ? "" : "needs root with CAP_SYS_ADMIN, and cc: ";
const dir = mkdtempSync(join(tmpdir(), "pullrun-sandbox-"));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

describe.skipIf(!available)(`${needs}the docker-like sandbox`, () => {
  test("has exactly docker's 14 capabilities in its effective and bounding sets", async () => {
    const { stdout } = await sandboxed(["grep", "-E", "^Cap(Eff|Bnd|Inh)", "/proc/self/status"]);
    expect(stdout).toBe("CapInh:\t0000000000000000\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n");
  });

  test("has a seccomp filter, and does not set no_new_privs, as docker", async () => {
    const { stdout } = await sandboxed(["grep", "-E", "^(NoNewPrivs|Seccomp):", "/proc/self/status"]);
    expect(stdout).toBe("NoNewPrivs:\t0\nSeccomp:\t2\n");
  });

  test.each([
    ["a mount namespace", ["unshare", "-m", "true"]],
    ["a user namespace", ["unshare", "-U", "true"]],
    ["a network namespace", ["unshare", "-n", "true"]],
    ["entering another namespace", ["nsenter", "-m", "-t", "1", "true"]],
  ])("refuses %s with EPERM", async (_what, argv) => {
    const { status, stderr } = await sandboxed(argv);
    expect(status).not.toBe(0);
    expect(stderr).toContain("Operation not permitted");
  });

  test("refuses a mount", async () => {
    const { status, stderr } = await sandboxed(["mount", "-t", "tmpfs", "none", dir]);
    expect(status).not.toBe(0);
    expect(stderr).toContain("permission denied");
  });

  test("allows chroot and making a null device, as docker's capabilities do", async () => {
    const node = join(dir, "null");
    const { status, stdout } = await sandboxed([
      "sh",
      "-c",
      `chroot / true && mknod ${node} c 1 3 && stat -c %F ${node}`,
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "character special file\n" });
  });

  test("hides /proc/keys and makes /sys, /proc/sys and their like read-only", async () => {
    const { stdout: keys } = await sandboxed(["cat", "/proc/keys"]);
    const { stdout } = await sandboxed(["awk", "$6 ~ /^ro/ { print $5 }", "/proc/self/mountinfo"]);
    expect(keys).toBe("");
    expect(stdout.split("\n")).toEqual(expect.arrayContaining(["/sys", "/proc/sys", "/proc/irq"]));
  });

  test("sees its own processes only, and devices as docker's", async () => {
    const { stdout } = await sandboxed(["sh", "-c", "echo /proc/[0-9]*; ls /dev"]);
    const [processes, ...devices] = stdout.trimEnd().split("\n");
    expect(processes).toBe("/proc/1 /proc/2");
    expect(devices.join(" ")).toBe("fd full null ptmx pts random shm stderr stdin stdout tty urandom zero");
  });

  test("leaves this machine's own mounts as they were", async () => {
    const before = mountTable();
    await sandboxed(["true"]);
    expect(mountTable()).toBe(before);
  });

  test.each([
    [0, "true"],
    [42, "exit 42"],
    [137, "kill -9 $$"],
  ])("gives back exit status %i", async (status, script) => {
    expect((await sandboxed(["sh", "-c", script])).status).toBe(status);
  });

  test("gives 127 for a command that does not exist", async () => {
    expect((await sandboxed(["no-such-command"])).status).toBe(127);
  });

  test("can be an ordinary user, who has no capabilities and may not chroot", async () => {
    const script =
      "id -u; id -G; grep CapEff /proc/self/status; chroot / true 2>/dev/null; unshare -U true 2>/dev/null; echo $?";
    const { stdout } = await sandboxed(["sh", "-c", script], { uid: 12345 });
    expect(stdout).toBe("12345\n12345\nCapEff:\t0000000000000000\n1\n");
  });

  test("passes the working directory and the given environment", async () => {
    const env = { PATH: "/usr/bin:/bin", GREETING: "hello" };
    const { stdout } = await sandboxed(["sh", "-c", "pwd; echo $GREETING"], { cwd: "/usr", env });
    expect(stdout).toBe("/usr\nhello\n");
  });
});

// A podman that cannot start a container here (no cgroups, no overlay) is as good as none.
const podman = fileURLToPath(new URL("sandbox/run-podman", import.meta.url));
const podmanWorks = isRoot && have("podman") && spawnSync(podman, ["true"], { stdio: "ignore" }).status === 0;

describe.skipIf(!podmanWorks)(
  `${podmanWorks ? "" : "needs root and a working podman: "}the same in podman`,
  () => {
    test("has the same capabilities, no new mount namespaces, and a root of its own over this machine's files", async () => {
      const script = `grep CapEff /proc/self/status; unshare -m true; touch ${dir}/inside && echo touched`;
      const { stdout, stderr } = await runTool(podman, ["sh", "-c", script]);
      expect(stdout).toBe("CapEff:\t00000000a80425fb\ntouched\n");
      expect(stderr).toContain("Operation not permitted");
      expect(existsSync(join(dir, "inside"))).toBe(false);
    });
  },
);

function mountTable(): string {
  return readFileSync("/proc/self/mountinfo", "utf8");
}
