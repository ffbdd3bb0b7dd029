import { beforeAll, describe, expect, test } from "vitest";
import { fileCapabilities } from "../../src/api/file-capabilities.js";
import { reportImage } from "../../src/api/report.js";
import {
  hardLink,
  openInspected,
  pathsOf,
  symlink,
  type Inspected,
  type Layer,
} from "../support/inspected.js";
import { needsHelper } from "../support/store.js";

const netRaw = Buffer.from("0100000200200000000000000000000000000000", "hex");

describe("file capabilities", () => {
  const of = (value: Buffer | string) =>
    fileCapabilities({
      xattrs: [{ name: Buffer.from("security.capability"), value: Buffer.from(value) }],
    });

  test.each([
    ["ping's, which are effective", netRaw, "cap_net_raw=ep"],
    [
      "one beyond the first 32",
      Buffer.from("0000000200000000000000000100000000000000", "hex"),
      "cap_mac_override=p",
    ],
    ["inheritable ones", Buffer.from("0000000200200000002000000000000000000000", "hex"), "cap_net_raw=ip"],
    ["revision 1, of 32 capabilities", Buffer.from("010000010020000000000000", "hex"), "cap_net_raw=ep"],
    ["too short a value", Buffer.from("0100000200", "hex"), "malformed"],
    ["none at all in the attribute", Buffer.alloc(20), ""],
  ])("are spelt as getcap does: %s", (_, value, text) => {
    expect(of(value)).toBe(text);
  });

  test("are undefined for a file without the attribute", () => {
    expect(fileCapabilities({ xattrs: [] })).toBeUndefined();
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}report`, () => {
  let images: Inspected;
  let count = 0;
  beforeAll(async () => {
    images = await openInspected();
  });

  const report = async (layers: Layer[], config?: object) => {
    const image = `docker.io/library/report:${++count}`;
    await images.add(image, layers, config);
    return reportImage(images.context, { image, largest: 2 });
  };

  test("names the files that give more rights than their caller has, by all their names, and no others", async () => {
    const { files } = await report([
      [
        { name: "setuid", mode: 0o4755 },
        { name: "setgid", mode: 0o2755 },
        { name: "ping", mode: 0o755, pax: { "SCHILY.xattr.security.capability": netRaw } },
        { name: "shared/", flag: "5", mode: 0o2755 },
        { name: "plain", mode: 0o755 },
        { name: "covered", mode: 0o4755 },
      ],
      [{ name: "covered", mode: 0o755 }, hardLink("again", "setuid")],
    ]);
    const told = files.privileged.map(({ info, setuid, setgid, capabilities }) => [
      info.path.toString(),
      setuid,
      setgid,
      capabilities,
    ]);
    expect(told).toEqual([
      ["/again", true, false, ""],
      ["/ping", false, false, "cap_net_raw=ep"],
      ["/setgid", false, true, ""],
      ["/setuid", true, false, ""],
    ]);
  });

  test("names what anybody may write, but for sticky directories and links", async () => {
    const { files } = await report([
      [
        { name: "tmp/", flag: "5", mode: 0o1777 },
        { name: "open/", flag: "5", mode: 0o777 },
        { name: "file", mode: 0o666 },
        symlink("link", "file"),
        { name: "mine", mode: 0o644 },
      ],
    ]);
    expect(pathsOf(files.worldWritable)).toEqual(["/file", "/open"]);
  });

  test("has the largest files of what a container sees, as many as asked for, and counts all", async () => {
    const { files, usage } = await report([
      [
        { name: "gone", data: "x".repeat(50) },
        { name: "a", data: "x".repeat(3) },
        { name: "b", data: "x".repeat(5) },
        { name: "c", data: "x".repeat(4) },
      ],
      [".wh.gone", hardLink("b2", "b")],
    ]);
    expect(pathsOf(files.largest)).toEqual(["/b", "/c"]);
    expect(files.counts).toEqual({ file: 3, hardlink: 1 });
    expect(usage).toMatchObject({ wastedBytes: 50, totalBytes: 62 });
  });

  test("has variables without their values", async () => {
    const { config } = await report([["a"]], { config: { Env: ["PATH=/bin", "TOKEN=secret", "EMPTY"] } });
    expect(config.env).toEqual(["PATH", "TOKEN", "EMPTY"]);
  });
});
