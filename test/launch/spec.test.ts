import { expect, test } from "vitest";
import {
  confined,
  containerId,
  host,
  imageConfig,
  root,
  runOptions,
  single,
  spec,
  subordinate,
} from "./samples.js";

test("describes hello-world with docker's defaults", () => {
  const made = spec({ image: imageConfig({ cmd: ["/hello"], env: ["A=1"] }) });
  expect(made).toMatchObject({
    ociVersion: "1.0.2",
    root: { path: "rootfs", readonly: false },
    hostname: "0123456789ab",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, additionalGids: [0] },
      args: ["/hello"],
      cwd: "/",
      env: [expect.stringMatching(/^PATH=/) as string, "HOSTNAME=0123456789ab", "A=1", "HOME=/"],
    },
    linux: { cgroupsPath: `/pullrun/${containerId}` },
  });
  expect(made.mounts.map((mount) => `${mount.type} ${mount.destination} ${mount.options.join(",")}`)).toEqual(
    [
      "proc /proc nosuid,noexec,nodev",
      "tmpfs /dev nosuid,strictatime,mode=755,size=65536k",
      "devpts /dev/pts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
      "sysfs /sys nosuid,noexec,nodev,ro",
      "cgroup /sys/fs/cgroup ro,nosuid,noexec,nodev",
      "mqueue /dev/mqueue nosuid,noexec,nodev",
      "tmpfs /dev/shm nosuid,noexec,nodev,mode=1777,size=65536k",
    ],
  );
});

test.each([
  ["rootful", root, "none", ["mount", "pid", "uts", "ipc", "cgroup", "network"]],
  ["rootful on the host's network", root, "host", ["mount", "pid", "uts", "ipc", "cgroup"]],
  ["rootless", single, "none", ["user", "mount", "pid", "uts", "ipc", "cgroup", "network"]],
  ["confined", confined, "none", ["mount", "pid", "uts", "ipc", "cgroup", "network"]],
] as const)("asks for the namespaces of a %s container", (_, privilege, network, expected) => {
  const { namespaces } = spec({ privilege, options: runOptions({ network }) }).linux;
  expect(namespaces.map(({ type }) => type)).toEqual(expected);
});

test("gives root docker's capabilities, and another user only the bounding set", () => {
  const asRoot = spec().process.capabilities;
  expect(asRoot.bounding).toHaveLength(14);
  expect(asRoot).toEqual({
    bounding: asRoot.bounding,
    effective: asRoot.bounding,
    permitted: asRoot.bounding,
  });
  expect(spec({ image: imageConfig({ user: "1000" }) }).process.capabilities).toEqual({
    bounding: asRoot.bounding,
  });
});

test("lets --user beat the image's USER", () => {
  const made = spec({ image: imageConfig({ user: "1000" }), options: runOptions({ user: "0:7" }) });
  expect(made.process.user).toEqual({ uid: 0, gid: 7, additionalGids: [7] });
});

test.each([
  ["the short id", {}, "0123456789ab"],
  ["the host's name on the host's network", { network: "host" }, "machine"],
  ["the host's name without namespaces", { isolation: "chroot" }, "machine"],
  ["what --hostname says", { network: "host", hostname: "mine" }, "mine"],
] as const)("is named %s", (_, options, hostname) => {
  const made = spec({ options: runOptions(options) });
  expect(made.hostname).toBe(hostname);
  expect(made.process.env).toContain(`HOSTNAME=${hostname}`);
});

test("turns limits into resources, swap being as much again", () => {
  const options = runOptions({ memory: 64 << 20, pidsLimit: 10, cpus: 1.5 });
  expect(spec({ options }).linux.resources).toMatchObject({
    memory: { limit: 64 << 20, swap: 128 << 20 },
    pids: { limit: 10 },
    cpu: { quota: 150_000, period: 100_000 },
  });
});

test("denies every device but docker's six", () => {
  const { devices } = spec().linux.resources;
  expect(devices[0]).toEqual({ allow: false, access: "rwm" });
  expect(devices.filter(({ allow }) => allow).map(({ major, minor }) => `${major}:${minor}`)).toEqual([
    "1:5",
    "1:3",
    "1:9",
    "1:8",
    "5:0",
    "5:1",
  ]);
  expect(Object.keys(spec().linux.resources)).toEqual(["devices"]);
});

test("maps ids and leaves out what a single-id namespace has not", () => {
  const made = spec({ privilege: single, facts: { group: "wheel:x:10:root", passwd: "root:x:0:0::/root:" } });
  expect(made.linux.uidMappings).toEqual([{ containerID: 0, hostID: 12345, size: 1 }]);
  expect(made.process.user).toEqual({ uid: 0, gid: 0 });
  expect(made.mounts.find(({ type }) => type === "devpts")!.options).not.toContain("gid=5");
  const ranges = spec({ privilege: subordinate });
  expect(ranges.linux.gidMappings).toHaveLength(2);
  expect(ranges.mounts.find(({ type }) => type === "devpts")!.options).toContain("gid=5");
});

test("gives the one id of a single-id namespace to the image's user", () => {
  const made = spec({ privilege: single, image: imageConfig({ user: "1000:5" }) });
  expect(made.linux.uidMappings).toEqual([{ containerID: 1000, hostID: 12345, size: 1 }]);
  expect(made.linux.gidMappings).toEqual([{ containerID: 5, hostID: 12345, size: 1 }]);
  expect(made.process.user).toEqual({ uid: 1000, gid: 5 });
});

test("binds the host's /sys where a user namespace does not own the network", () => {
  const options = runOptions({ network: "host" });
  expect(spec({ privilege: single, options }).mounts).toContainEqual({
    destination: "/sys",
    type: "bind",
    source: "/sys",
    options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
  });
  expect(spec({ options }).mounts.map(({ type }) => type)).toContain("sysfs");
});

test.each([
  ["a user beyond the subordinate range", subordinate, "70000", "uid 70000"],
  ["a group beyond it", subordinate, "0:70000", "gid 70000"],
] as const)("refuses %s", (_, privilege, user, problem) => {
  try {
    spec({ privilege, image: imageConfig({ user }) });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: "BAD_USER", message: expect.stringContaining(problem) as string });
  }
});

test("mounts generated files only from a container directory", () => {
  const binds = spec({ containerDir: "/c/1" }).mounts.filter(({ type }) => type === "bind");
  expect(binds.map(({ source, destination }) => `${source} ${destination}`)).toEqual([
    "/c/1/hosts /etc/hosts",
    "/c/1/resolv.conf /etc/resolv.conf",
    "/c/1/hostname /etc/hostname",
  ]);
});

test("hides the thermal side channels the host has", () => {
  const thermalThrottle = ["/sys/devices/system/cpu/cpu0/thermal_throttle"];
  expect(spec({ host: { ...host, thermalThrottle } }).linux.maskedPaths).toContain(thermalThrottle[0]);
});
