import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callArguments } from "../launch/denied-calls.js";
import { makeProbeRootfs } from "../launch/probe.js";
import { busyboxWith, needsBusybox } from "../support/busybox.js";
import { pullrun } from "../support/cli.js";
import { needsDockerd, startDockerd, type Dockerd } from "../support/dockerd.js";
import { missing, mustRun } from "../support/tools.js";

const needs = `${needsBusybox}${needsDockerd}${missing("cc")}`;

const status = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status";
const mounts = "cut -d' ' -f2-4 /proc/mounts | sort";

/** Kind of each file there, and whether it opens for writing. Nothing is written. */
const access = (...paths: readonly string[]): string =>
  `for f in ${paths.join(" ")}; do echo $f $(stat -c %F $f) $(test -f $f && { (: >>$f) 2>/dev/null && echo writable; }); done`;

type Row = readonly [what: string, flags: readonly string[], script: string, same?: (line: string) => string];

/**
 * Lines that are not compared become empty. docker 20.10, Debian 12's, lets through and hides what docker 26 does not, whose
 * rules are ours: io_uring_setup (425), sockets of the families 38 and 40 (41), /proc/interrupts.
 */
const rows: readonly Row[] = [
  ["capabilities and filter", [], status],
  ["those of another user", ["-u", "1234:5"], status],
  ["those without all and with one", ["--cap-drop", "ALL", "--cap-add", "NET_ADMIN"], status],
  ["those that nothing is added to", ["--security-opt", "no-new-privileges"], status],
  ["those without a filter", ["--security-opt", "seccomp=unconfined"], status],
  [
    "denied system calls",
    [],
    `/probe ${callArguments.join(" ")}`,
    (line) => (/^(425|41) /.test(line) ? "" : line),
  ],
  ["mounts", [], mounts, placeAndRight],
  ["mounts of a read-only container", ["--read-only"], mounts, placeAndRight],
  ["devices", [], "cd /dev; stat -c '%N %F %a %u:%g %t:%T' *", withoutCore],
  [
    "files of /proc",
    [],
    access("/proc/[a-z]*", "/proc/sys/*/*", "/proc/irq/*", "/proc/fs/*"),
    recentlyHidden,
  ],
  ["files of /sys", [], access("/sys/*", "/sys/kernel/*", "/sys/power/*", "/sys/devices/virtual/*")],
  [
    "what hidden files say",
    [],
    "cat /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug | wc -c; ls -A /proc/acpi /proc/scsi /sys/firmware",
  ],
  ["descriptors, umask and directory", [], "/probe descriptors; umask; pwd; echo $$"],
  ["environment", [], "env | sort"],
  ["limits", ["--ulimit", "nofile=100:200"], "cat /proc/self/limits /proc/self/oom_score_adj"],
  ["settings of the network", [], "ls /sys/class/net; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"],
];

/**
 * Where something is mounted, and ro or rw. Not what: docker's storage here is not an overlay, we bind devices one by one
 * (ADR 5), its cgroup v1 is seen in full where ours is empty, and both hide files by binding a /dev/null, each its own.
 */
function placeAndRight(line: string): string {
  const [, place = "", right = ""] = /^(\S+) \S+ (r[ow])/.exec(line) ?? [];
  const isOwn = /^\/(dev\/(full|null|random|tty|urandom|zero)|sys\/fs\/cgroup.*|proc\/interrupts)$/.test(
    place,
  );
  return isOwn ? "" : `${place} ${right}`;
}

function asItIs(line: string): string {
  return line;
}

/** runc makes this link only where the kernel has a /proc/kcore. */
function withoutCore(line: string): string {
  return line.startsWith("'core' -> '/proc/kcore'") ? "" : line;
}

function recentlyHidden(line: string): string {
  return line.startsWith("/proc/interrupts ") ? "" : line;
}

/** What a program sees of the container that holds it, in docker's and in ours. */
describe.skipIf(needs !== "")(`${needs}docker's container and ours`, () => {
  const image = "localhost/test:latest";
  let directory: string;
  let daemon: Dockerd;
  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "pullrun-peers-"));
    daemon = await startDockerd();
    const probe = makeProbeRootfs();
    const data = readFileSync(path.join(probe.rootfs, "probe"));
    probe.remove();
    const source = await busyboxWith([{ name: "probe", mode: 0o755, data }]);
    const archive = path.join(directory, "archive");
    for (const args of [
      ["pull", "-q", source],
      ["save", "-o", archive, image],
    ]) {
      expect(await pullrun(args, { root: store() })).toMatchObject({ status: 0 });
    }
    await daemon.docker("load", "-q", "-i", archive);
  }, 120_000);
  afterAll(async () => {
    await daemon.close();
    await mustRun("rm", ["-rf", directory]);
  });

  const store = (): string => path.join(directory, "store");
  const run = (flags: readonly string[], script: string): string[] => {
    const own = ["--network", "none", "--hostname", "same", ...flags];
    return ["run", "--rm", ...own, image, "sh", "-c", `exec 2>&1; ${script}; true`];
  };

  const filled = rows.map(([what, flags, script, same = asItIs]) => [what, flags, script, same] as const);
  test.each(filled)("%s", async (_, flags, script, same) => {
    const command = run(flags, script);
    const compared = (text: string): string[] =>
      text
        .split("\n")
        .map(same)
        .filter((line) => line !== "");
    const ours = await pullrun(command, { root: store() });
    const theirs = compared(await daemon.docker(...command));
    expect(theirs.length).toBeGreaterThan(0);
    expect(compared(ours.stdout)).toEqual(theirs);
  });
});
