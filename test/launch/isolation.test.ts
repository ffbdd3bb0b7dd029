import { describe, expect, test } from "vitest";
import { capabilitiesOf, dockerCapabilities } from "../../src/launch/capabilities.js";
import { capabilityNames } from "../../src/helper/constants.js";
import { sysctlPath, sysctlsOf } from "../../src/launch/sysctls.js";
import { rlimitsOf } from "../../src/launch/ulimits.js";
import { imageConfig, runOptions, single, spec } from "./samples.js";

describe("capabilities", () => {
  test.each([
    ["nothing", {}, dockerCapabilities.toSorted()],
    [
      "one more, in any spelling",
      { capAdd: ["net_admin", "CAP_SYS_TIME"] },
      [...dockerCapabilities, "CAP_NET_ADMIN", "CAP_SYS_TIME"].toSorted(),
    ],
    [
      "one less",
      { capDrop: ["CHOWN"] },
      dockerCapabilities.filter((name) => name !== "CAP_CHOWN").toSorted(),
    ],
    ["none", { capDrop: ["ALL"] }, []],
    ["one only", { capDrop: ["all"], capAdd: ["kill"] }, ["CAP_KILL"]],
    ["all", { capAdd: ["ALL"] }, capabilityNames.toSorted()],
    [
      "all but one",
      { capAdd: ["ALL"], capDrop: ["SYS_ADMIN"] },
      capabilityNames.filter((name) => name !== "CAP_SYS_ADMIN").toSorted(),
    ],
    ["privileged", { privileged: true, capDrop: ["ALL"] }, capabilityNames.toSorted()],
  ])("asked for %s", (_, options, expected) => {
    expect(capabilitiesOf(options, undefined).toSorted()).toEqual(expected);
  });

  test("a container gets all of ours at most", () => {
    const own = { permitted: 0b11n, bounding: 0b111n };
    expect(capabilitiesOf({ privileged: true }, own)).toEqual(["CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
    expect(() => capabilitiesOf({ capAdd: ["SYS_ADMIN"] }, own)).toThrow(
      "--cap-add: CAP_SYS_ADMIN: not among our own",
    );
  });

  test("a name that is none is refused", () => {
    expect(() => capabilitiesOf({ capAdd: ["CAP_FLY"] }, undefined)).toThrow(
      "--cap-add: CAP_FLY (expected ALL or",
    );
  });
});

describe("sysctls", () => {
  const own = ["network", "ipc", "uts", "user"] as const;

  test.each([
    ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
    ["net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"],
    ["net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"],
    ["kernel.shmmax", "kernel/shmmax"],
  ])("%s is /proc/sys/%s", (key, path) => {
    expect(sysctlPath(key)).toBe(path);
  });

  test.each([
    ["the whole machine's", "kernel.core_pattern", "x"],
    ["the whole machine's, by way of a namespace's", "net.../../kernel/core_pattern", "x"],
    ["the whole machine's, with slashes", "net/ipv4/../../kernel/core_pattern", "x"],
    ["a directory above", "../kernel/core_pattern", "x"],
    ["an absolute path", "/proc/sys/kernel/core_pattern", "x"],
    ["the host name", "kernel.hostname", "x"],
    ["an empty part", "net..ipv4", "x"],
    ["a value of two lines", "net.ipv4.ip_forward", "1\n0"],
    ["a value with a NUL", "net.ipv4.ip_forward", "1\0"],
  ])("refuses %s", (_, key, value) => {
    expect(() => sysctlsOf({ [key]: value }, own)).toThrow(/^--sysctl: /);
  });

  test("CVE-2022-0811: a `+` in a value starts no second setting", () => {
    const value = "1+kernel.core_pattern=|/bin/evil";
    expect(sysctlsOf({ "kernel.shm_rmid_forced": value }, ["ipc"])).toEqual({
      "kernel.shm_rmid_forced": value,
    });
  });

  test("refuses what is not the container's own", () => {
    expect(() => sysctlsOf({ "net.ipv4.ip_forward": "1" }, ["ipc"])).toThrow(
      "shares the host's network namespace",
    );
  });

  test("a network namespace has docker's two, and what was asked for over them", () => {
    expect(sysctlsOf({}, ["network"])).toEqual({
      "net.ipv4.ping_group_range": "0 2147483647",
      "net.ipv4.ip_unprivileged_port_start": "0",
    });
    expect(sysctlsOf({ "net.ipv4.ip_unprivileged_port_start": "80" }, own)).toEqual({
      "net.ipv4.ip_unprivileged_port_start": "80",
    });
    expect(sysctlsOf({}, ["ipc"])).toEqual({});
  });
});

describe("ulimits", () => {
  test("have soft and hard values, and no end as the largest number a spec may hold", () => {
    const [nofile, memlock] = rlimitsOf([
      { name: "nofile", soft: 10, hard: 20 },
      { name: "memlock", soft: -1, hard: -1 },
    ]);
    expect(nofile).toEqual({ type: "RLIMIT_NOFILE", soft: 10, hard: 20 });
    expect(BigInt(JSON.stringify(memlock?.hard)) < 2n ** 64n).toBe(true);
  });

  test.each([
    [{ name: "files", soft: 1, hard: 1 }, "files: not a limit"],
    [{ name: "nofile", soft: 2, hard: 1 }, "soft 2, hard 1"],
    [{ name: "nofile", soft: -1, hard: 1 }, "soft -1, hard 1"],
  ])("refuses %j", (ulimit, message) => {
    expect(() => rlimitsOf([ulimit])).toThrow(message);
  });
});

describe("a spec", () => {
  test("of a privileged container hides nothing, filters nothing and lets /sys be written", () => {
    const { linux, mounts } = spec({ options: runOptions({ privileged: true }) });
    expect([linux.maskedPaths, linux.readonlyPaths, linux.seccomp]).toEqual([[], [], undefined]);
    const options = (path: string): readonly string[] =>
      mounts.find(({ destination }) => destination === path)?.options ?? [];
    expect(options("/sys")).not.toContain("ro");
    expect(options("/sys/fs/cgroup")).not.toContain("ro");
  });

  test("leaves out the namespaces that are shared", () => {
    const options = runOptions({
      pid: "host",
      ipc: "container:other",
      uts: "host",
      cgroupns: "host",
      network: "host",
    });
    expect(spec({ options }).linux.namespaces).toEqual([{ type: "mount" }]);
    expect(spec({ options }).hostname).toBeUndefined();
  });

  test("binds what a user namespace cannot mount of the host's", () => {
    const options = runOptions({ pid: "host", ipc: "host", network: "host" });
    const binds = spec({ options, privilege: single }).mounts.filter(({ type }) => type === "bind");
    expect(binds.map(({ destination }) => destination)).toEqual(["/proc", "/sys", "/dev/shm"]);
  });

  test("has further groups, of the image or by number", () => {
    const facts = { group: "audio:x:29:\n" };
    const made = spec({
      facts,
      options: runOptions({ groupAdd: ["audio", "777"] }),
      image: imageConfig({ user: "1000" }),
    });
    expect(made.process.user).toEqual({ uid: 1000, gid: 0, additionalGids: [0, 29, 777] });
  });
});
