import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { containerFlags } from "../../src/cli/flags/container.js";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrun, pullrunPath } from "../support/cli.js";
import { validate } from "../support/json-schema.js";
import { needsRealRoot } from "../support/namespaces.js";
import { missing, mustRun, runTool } from "../support/tools.js";

/** Each flag that describes a container makes a spec that OCI's schema accepts and that runc runs, unchanged. */
const schema = "/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema";
const needsSchema = existsSync(schema) ? "" : "needs golang-github-opencontainers-specs-dev: ";
const needs = `${needsBusybox}${needsRealRoot}${needsSchema}${missing("runc")}`;

const bridge = ["--network", "bridge"];

/** By long name. DIR is a directory with a file of variables and a seccomp profile. */
const samples: Readonly<Record<string, readonly string[]>> = {
  env: ["-e", "A=b"],
  "env-file": ["--env-file", "DIR/env"],
  user: ["-u", "1000:1000"],
  workdir: ["-w", "/made/here"],
  umask: ["--umask", "0027"],
  annotation: ["--annotation", "org.example.key=value"],
  "group-add": ["--group-add", "777"],
  entrypoint: ["--entrypoint", "/bin/env"],
  "read-only": ["--read-only"],
  volume: ["-v", "DIR:/mnt:ro"],
  mount: ["--mount", "type=bind,source=DIR,target=/mnt,readonly"],
  tmpfs: ["--tmpfs", "/scratch:size=1m,mode=700"],
  device: ["--device", "/dev/null:/dev/nothing:r"],
  "device-cgroup-rule": ["--device-cgroup-rule", "c 189:* rwm"],
  "shm-size": ["--shm-size", "1m"],
  "security-opt": ["--security-opt", "seccomp=DIR/profile", "--security-opt", "no-new-privileges"],
  privileged: ["--privileged"],
  "cap-add": ["--cap-add", "NET_ADMIN"],
  "cap-drop": ["--cap-drop", "ALL"],
  sysctl: ["--sysctl", "net.ipv4.ip_forward=1"],
  init: ["--init"],
  pid: ["--pid", "host"],
  ipc: ["--ipc", "host"],
  uts: ["--uts", "host"],
  cgroupns: ["--cgroupns", "host"],
  memory: ["-m", "64m"],
  "memory-swap": ["-m", "64m", "--memory-swap", "96m"],
  "memory-reservation": ["--memory-reservation", "32m"],
  "oom-kill-disable": ["-m", "64m", "--oom-kill-disable"],
  "pids-limit": ["--pids-limit", "50"],
  cpus: ["--cpus", "0.5"],
  "cpu-shares": ["-c", "512"],
  "cpu-quota": ["--cpu-quota", "50000"],
  "cpu-period": ["--cpu-period", "50000"],
  "cpuset-cpus": ["--cpuset-cpus", "0"],
  "cpuset-mems": ["--cpuset-mems", "0"],
  "blkio-weight": ["--blkio-weight", "500"],
  ulimit: ["--ulimit", "nofile=100:200"],
  "oom-score-adj": ["--oom-score-adj", "500"],
  hostname: ["--hostname", "there"],
  domainname: ["--hostname", "there", "--domainname", "example.test"],
  network: ["--network", "host"],
  net: ["--net", "none"],
  publish: [...bridge, "-p", "127.0.0.1:18090:80"],
  "publish-all": [...bridge, "-P"],
  expose: ["--expose", "80"],
  dns: ["--dns", "192.0.2.53"],
  "dns-search": ["--dns-search", "example.test"],
  "dns-option": ["--dns-option", "ndots:1"],
  "dns-opt": ["--dns-opt", "ndots:1"],
  "add-host": ["--add-host", "other:192.0.2.7"],
  ip: [...bridge, "--ip", "10.87.0.77"],
  "mac-address": [...bridge, "--mac-address", "02:00:00:00:00:77"],
  "network-alias": [...bridge, "--network-alias", "web"],
  "net-alias": [...bridge, "--net-alias", "web"],
};

describe.skipIf(needs !== "")(`${needs}the spec of a container with`, () => {
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "pullrun-flags-"));
    writeFileSync(at("env"), "A=b\n");
    writeFileSync(at("profile"), JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW" }));
    await mustRun(pullrunPath, ["--root", at("store"), "unpack", busybox, at("rootfs")]);
  });
  afterAll(() => mustRun("rm", ["-rf", directory]));

  const at = (name: string): string => path.join(directory, name);
  const load = (file: string): unknown => JSON.parse(readFileSync(path.join(schema, file), "utf8"));

  test("any flag is tried here", () => {
    const names = containerFlags.map(({ flags }) => /--([a-z-]+)/.exec(flags)?.[1] ?? flags);
    expect(Object.keys(samples).toSorted()).toEqual(names.toSorted());
  });

  test.each(Object.entries(samples))("--%s", async (_, flags) => {
    const filled = flags.map((flag) => flag.replace("DIR", directory));
    const { stdout } = await pullrun(["spec", ...filled, busybox, "true"], { root: at("store") });
    expect(validate(JSON.parse(stdout), { file: "config-schema.json", load })).toEqual([]);
    writeFileSync(at("config.json"), stdout);
    const id = `pullrun-flags-${randomUUID()}`;
    expect(await runTool("runc", ["--root", at("state"), "run", "-b", directory, id])).toMatchObject({
      status: 0,
    });
  });
});
