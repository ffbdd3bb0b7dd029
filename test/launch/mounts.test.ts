import { describe, expect, test } from "vitest";
import { checkFileOptions, type FileMount } from "../../src/launch/options/files.js";
import { containerMounts, ociMount, type PlacedMount } from "../../src/launch/mounts.js";
import { copyUpSteps, mountTrees } from "../../src/launch/plan-trees.js";
import { runOptions, spec } from "./samples.js";

const volume = {
  type: "volume",
  target: "/v",
  name: "data",
  anonymous: false,
  directory: "/store/volumes/data",
} as const;

describe("targets", () => {
  test.each([
    ["/", "the root"],
    ["/a/..", "the root by another name"],
    ["//", "the root with slashes"],
    ["relative", "a relative path"],
    ["", "nothing"],
    ["/proc", "all of /proc (CVE-2019-16884)"],
    ["/proc/", "the same with a slash"],
    ["/x/../proc/self", "below /proc by a detour"],
    ["/proc/sys/kernel", "kernel settings (CVE-2023-27561)"],
    ["/proc/cpuinfo/..", "/proc by way of a file that may be covered"],
  ])("%j is refused: %s", (target) => {
    const mounts = [{ type: "tmpfs", target } as const];
    expect(() => checkFileOptions({ mounts })).toThrow(expect.objectContaining({ code: "BAD_VALUE" }));
  });

  test("files in which lxcfs tells a container its own figures may be covered", () => {
    const mounts = [{ type: "bind", source: "/lxcfs/cpuinfo", target: "/proc/cpuinfo" } as const];
    expect(() => checkFileOptions({ mounts })).not.toThrow();
  });

  test("one target twice is refused, however it is written", () => {
    const mounts = ["/a/b", "/a/./b/"].map((target) => ({ type: "tmpfs", target }) as const);
    expect(() => checkFileOptions({ mounts })).toThrow(/twice/);
  });
});

test.each<[FileMount, string]>([
  [{ type: "volume", target: "/v", name: "a" }, "one letter"],
  [{ type: "volume", target: "/v", name: "../x" }, "a path"],
  [{ type: "volume", target: "/v", name: ".hidden" }, "a dot in front"],
  [{ type: "volume", target: "/v", name: "data", subpath: "a/../../b" }, "a subpath that climbs"],
  [{ type: "volume", target: "/v", name: "data", subpath: "/etc" }, "an absolute subpath"],
  [{ type: "volume", target: "/v", subpath: "a" }, "a subpath of a volume that is still empty"],
  [{ type: "bind", target: "/v", source: "x" }, "a relative source"],
  [{ type: "tmpfs", target: "/v", options: ["dev"] }, "devices in what a container can write to"],
  [{ type: "tmpfs", target: "/v", options: ["size=foo"] }, "a size that is none"],
  [{ type: "tmpfs", target: "/v", options: ["mode=u+w"] }, "a mode that is not octal"],
  [{ type: "tmpfs", target: "/v", options: ["uid=me"] }, "a name for an id"],
  [{ type: "tmpfs", target: "/v", options: ["size=1m", "upperdir=/"] }, "another filesystem's option"],
])("refuses %j: %s", (mount) => {
  expect(() => checkFileOptions({ mounts: [mount] })).toThrow(expect.objectContaining({ code: "BAD_VALUE" }));
});

test("each VOLUME of the image is an anonymous volume, unless something else is mounted there", () => {
  const asked = [{ type: "tmpfs", target: "/cache/" }] as const;
  expect(containerMounts(asked, ["/data", "/cache", "/data/"])).toEqual([
    { type: "tmpfs", target: "/cache" },
    { type: "volume", target: "/data" },
  ]);
});

test("an image that has a VOLUME over /proc is refused (CVE-2019-16884)", () => {
  expect(() => containerMounts([], ["/proc"])).toThrow(expect.objectContaining({ code: "BAD_IMAGE" }));
});

describe("in the OCI spec", () => {
  test.each([
    [{ type: "bind", source: "/a", target: "/b" }, ["rbind", "rprivate", "nodev"]],
    [
      { type: "bind", source: "/a", target: "/b", readOnly: true, propagation: "rslave" },
      ["rbind", "rslave", "nodev", "ro", "rro"],
    ],
    [
      { type: "bind", source: "/a", target: "/b", readOnly: true, recursive: "disabled" },
      ["bind", "rprivate", "nodev", "ro"],
    ],
    [{ type: "bind", source: "/dev/null", target: "/secret" }, ["rbind", "rprivate"]],
    [volume, ["rbind", "rprivate", "nodev"]],
    [
      { type: "tmpfs", target: "/t", options: ["exec", "size=1m"], readOnly: true },
      ["nosuid", "nodev", "exec", "size=1m", "ro"],
    ],
  ] as const)("%j has the options %j", (mount, options) => {
    expect(ociMount(mount as PlacedMount, false).options).toEqual(options);
  });

  test("parents come before what is mounted in them, ours and theirs alike", () => {
    const mounts = ["/a/b/c", "/etc", "/a"].map((target) => ({ type: "tmpfs", target }) as const);
    const { mounts: all } = spec({ mounts, containerDir: "/c" });
    expect(all.slice(6).map(({ destination }) => destination)).toEqual([
      "/etc",
      "/a",
      "/dev/shm",
      "/etc/hosts",
      "/etc/resolv.conf",
      "/etc/hostname",
      "/a/b/c",
    ]);
  });

  test("what is asked for takes the place of ours", () => {
    const mounts = ["/dev", "/etc/hosts", "/sys"].map(
      (target) => ({ type: "bind", source: "/x", target }) as const,
    );
    const { mounts: all } = spec({ mounts, containerDir: "/c" });
    expect(all.map(({ destination, source }) => `${destination} ${source}`)).toEqual([
      "/proc proc",
      "/sys/fs/cgroup cgroup",
      "/dev /x",
      "/sys /x",
      "/etc/hosts /x",
      "/etc/resolv.conf /c/resolv.conf",
      "/etc/hostname /c/hostname",
    ]);
  });

  test("--shm-size is the size of /dev/shm", () => {
    const { mounts } = spec({ options: runOptions({ shmSize: 1 << 20 }) });
    expect(mounts.find(({ destination }) => destination === "/dev/shm")?.options).toContain("size=1024k");
  });
});

test("only binds that are more than private take their source before mounts become private", () => {
  const bind = { type: "bind", source: "/a", target: "/b" } as const;
  expect(mountTrees([bind, volume, { type: "tmpfs", target: "/t" }])).toEqual([]);
  const trees = mountTrees([
    { ...bind, propagation: "rshared" },
    { ...bind, readOnly: true, recursive: "writable" },
    { ...volume, subpath: "x" },
  ]);
  expect(trees.map(({ tree, source, path, topOnly }) => [tree, source, path, topOnly])).toEqual([
    [0, "/a", "", false],
    [1, "/a", "", true],
    [2, "/store/volumes/data/data", "x", false],
  ]);
});

test("volumes are filled with the image's files, but for those with nocopy or a subpath", () => {
  expect(copyUpSteps([volume, { ...volume, noCopy: true }, { ...volume, subpath: "x" }])).toEqual([
    { kind: "copy-up", target: "/v", volume: "/store/volumes/data" },
  ]);
});
