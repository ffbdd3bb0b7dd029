import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseCsvLine } from "../../src/cli/mounts/csv.js";
import { parseDeviceFlag } from "../../src/cli/mounts/device-flag.js";
import { parseMountFlag } from "../../src/cli/mounts/mount-flag.js";
import { parseTmpfsFlag } from "../../src/cli/mounts/tmpfs-flag.js";
import { parseVolumeFlag } from "../../src/cli/mounts/volume-flag.js";

const fromHere = (name: string): string => path.resolve("/here", name);

describe("-v", () => {
  test.each([
    ["/a:/b", { type: "bind", source: "/a", target: "/b", createSource: true }],
    ["./a:/b:ro", { type: "bind", source: "/here/a", target: "/b", createSource: true, readOnly: true }],
    [".:/b", { type: "bind", source: "/here", target: "/b", createSource: true }],
    ["../a:/b", { type: "bind", source: "/a", target: "/b", createSource: true }],
    [
      "/a:/b:rw,rslave",
      { type: "bind", source: "/a", target: "/b", createSource: true, propagation: "rslave" },
    ],
    ["/a:/b:cached", { type: "bind", source: "/a", target: "/b", createSource: true }],
    ["data:/b", { type: "volume", name: "data", target: "/b" }],
    ["data:/b:nocopy,ro", { type: "volume", name: "data", target: "/b", readOnly: true, noCopy: true }],
    ["/b", { type: "volume", target: "/b" }],
  ])("reads %s", (text, mount) => {
    expect(parseVolumeFlag(text, fromHere)).toEqual({ mount, notes: [] });
  });

  test("accepts SELinux labels and says that nothing is done about them", () => {
    const { mount, notes } = parseVolumeFlag("/a:/b:z", fromHere);
    expect(mount).toMatchObject({ source: "/a", target: "/b" });
    expect(notes).toEqual([expect.stringContaining("no SELinux labels")]);
  });

  test.each([
    ["", "nothing"],
    [":/b", "no source"],
    ["/a:", "no target"],
    ["/a:/b:ro:rw", "four parts"],
    ["/a:b", "a relative target"],
    ["/a:/b:rx", "an unknown option"],
    ["/a:/b:ro,rw", "contradicting options"],
    ["/a:/b:shared,private", "two propagations"],
    ["data:/b:rshared", "a propagation of a volume"],
    ["/a:/b:", "empty options"],
  ])("refuses %j: %s", (text) => {
    expect(() => parseVolumeFlag(text, fromHere)).toThrow(expect.objectContaining({ code: "BAD_VALUE" }));
  });
});

describe("--mount", () => {
  test.each([
    ["type=bind,source=/a,target=/b", { type: "bind", source: "/a", target: "/b" }],
    ["type=bind,src=./a,dst=/b,ro", { type: "bind", source: "/here/a", target: "/b", readOnly: true }],
    [
      "type=bind,src=/a,destination=/b,readonly=true,bind-propagation=rshared",
      { type: "bind", source: "/a", target: "/b", readOnly: true, propagation: "rshared" },
    ],
    [
      "type=bind,src=/a,dst=/b,readonly=0,bind-nonrecursive",
      { type: "bind", source: "/a", target: "/b", recursive: "disabled" },
    ],
    [
      "type=bind,src=/a,dst=/b,bind-recursive=writable,ro",
      { type: "bind", source: "/a", target: "/b", readOnly: true, recursive: "writable" },
    ],
    [
      "type=bind,src=/a,dst=/b,bind-create-src",
      { type: "bind", source: "/a", target: "/b", createSource: true },
    ],
    ["target=/b", { type: "volume", target: "/b" }],
    [
      "type=volume,source=data,target=/b,volume-nocopy=true,volume-subpath=x/y,volume-label=a=b,volume-label=c",
      {
        type: "volume",
        name: "data",
        target: "/b",
        noCopy: true,
        subpath: "x/y",
        labels: { a: "b", c: "" },
      },
    ],
    [
      "type=tmpfs,target=/b,tmpfs-size=1m,tmpfs-mode=1770",
      { type: "tmpfs", target: "/b", options: ["size=1048576", "mode=1770"] },
    ],
    ['type=bind,"src=/a,b",dst=/c', { type: "bind", source: "/a,b", target: "/c" }],
  ])("reads %s", (text, mount) => {
    expect(parseMountFlag(text, fromHere)).toEqual(mount);
  });

  test.each([
    ["type=bind,source=/a", "no target"],
    ["type=bind,target=/b", "a bind without source"],
    ["type=bind,source=a,target=/b", "a bind of a name"],
    ["type=image,source=a,target=/b", "an unknown type"],
    ["type=bind,source=/a,target=/b,sauce=x", "an unknown key"],
    ["type=bind,source=/a,target=/b,volume-nocopy", "a key of volumes"],
    ["type=volume,target=/b,tmpfs-size=1m", "a key of tmpfs"],
    ["type=bind,source=/a,target=/b,readonly=maybe", "neither true nor false"],
    ["type=bind,source=/a,target=/b,bind-propagation=loud", "no propagation"],
    ["type=bind,source=/a,target=/b,bind-recursive=readonly", "readonly all the way, of a writable bind"],
    ["type=tmpfs,source=/a,target=/b", "a tmpfs with a source"],
    ["type=tmpfs,target=/b,tmpfs-mode=9", "no octal mode"],
    ["type=volume,target=/b,volume-driver=nfs", "another driver"],
    ['type=bind,"source=/a,target=/b', "an open quote"],
    ["type=bind,source,target=/b", "a key without its value"],
    ["", "nothing"],
  ])("refuses %j: %s", (text) => {
    expect(() => parseMountFlag(text, fromHere)).toThrow(expect.objectContaining({ code: "BAD_VALUE" }));
  });
});

test.each([
  ["/run", { type: "tmpfs", target: "/run" }],
  ["/run:size=1m,mode=700", { type: "tmpfs", target: "/run", options: ["size=1m", "mode=700"] }],
  ["/run:", { type: "tmpfs", target: "/run", options: [] }],
])("--tmpfs reads %s", (text, mount) => {
  expect(parseTmpfsFlag(text)).toEqual(mount);
});

test.each([
  ["/dev/fuse", { source: "/dev/fuse", target: "/dev/fuse" }],
  ["/dev/fuse:rw", { source: "/dev/fuse", target: "/dev/fuse", access: "rw" }],
  ["/dev/a:/dev/b", { source: "/dev/a", target: "/dev/b" }],
  ["/dev/a:/dev/b:r", { source: "/dev/a", target: "/dev/b", access: "r" }],
])("--device reads %s", (text, device) => {
  expect(parseDeviceFlag(text)).toEqual(device);
});

test.each(["", "fuse", "/dev/a:b", "/dev/a:/dev/b:x", "/dev/a:/dev/b:rw:r", "/dev/a:rwmr"])(
  "--device refuses %j",
  (text) => {
    expect(() => parseDeviceFlag(text)).toThrow(expect.objectContaining({ code: "BAD_VALUE" }));
  },
);

test.each([
  ["a,b", ["a", "b"]],
  ["a,", ["a", ""]],
  ['"a,""b""",c', ['a,"b"', "c"]],
  ['a"b', undefined],
  ['"a"b', undefined],
])("a line of CSV %j has the fields %j", (line, fields) => {
  expect(parseCsvLine(line)).toEqual(fields);
});
