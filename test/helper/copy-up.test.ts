import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openHelper } from "../../src/helper/process.js";
import type { Plan } from "../../src/helper/plan.js";
import { describeDirectory } from "../support/disk-tree.js";
import { everyKind } from "../support/images.js";
import {
  cutDepth,
  cutNamesShown,
  deepDown,
  fork,
  isAdministrator,
  isolated,
  makeCutNames,
  namespacesAvailable,
  sanitizedHelperPath,
  showCutNames,
  temporaryDirectory,
} from "./support.js";

const needs = (await namespacesAvailable()) ? "" : "needs namespaces: ";
const needsAdministrator = isAdministrator ? needs : "needs root: ";

interface Place {
  readonly root: string;
  readonly volume: string;
  readonly data: string;
}

function place(): Place {
  const top = temporaryDirectory();
  const at = (...parts: string[]): string => join(top, ...parts);
  mkdirSync(at("root/image"), { recursive: true });
  mkdirSync(at("volume/data"), { recursive: true });
  return { root: at("root"), volume: at("volume"), data: at("volume/data") };
}

/** With sanitizers: reads names and attributes of any length. */
async function copyUp({ root, volume }: Place, target = "/image"): Promise<number> {
  const plan: Plan = [
    isolated(),
    { kind: "private-mounts" },
    { kind: "root-dir", path: root },
    { kind: "copy-up", target, volume },
    { kind: "exit", code: 0 },
  ];
  return openHelper(sanitizedHelperPath()).run(plan, {});
}

describe.skipIf(needs !== "")(`${needs}copy-up`, () => {
  test.skipIf(needsAdministrator !== "")(
    `${needsAdministrator}gives every kind of file with owner, mode, times, attributes and links`,
    async () => {
      const where = place();
      const unpack = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "-pxf", "-"];
      execFileSync("tar", unpack, { cwd: join(where.root, "image"), input: everyKind[0] });
      await copyUp(where);
      expect(describeDirectory(where.data)).toEqual(describeDirectory(join(where.root, "image")));
      expect(readdirSync(where.volume)).toEqual(["data"]);
    },
  );

  test("takes owner and mode of an empty directory", async () => {
    const where = place();
    chmodSync(join(where.root, "image"), 0o750);
    await copyUp(where);
    expect(describeDirectory(where.data)).toEqual(describeDirectory(join(where.root, "image")));
  });

  test("leaves a volume alone that holds something", async () => {
    const where = place();
    writeFileSync(join(where.root, "image/new"), "");
    writeFileSync(join(where.data, "old"), "");
    await copyUp(where);
    expect(readdirSync(where.data)).toEqual(["old"]);
  });

  test("begins again where a crash cut the filling short", async () => {
    const where = place();
    writeFileSync(join(where.root, "image/whole"), "whole");
    writeFileSync(join(where.data, "whole"), "wh");
    mkdirSync(join(where.data, "half/a"), { recursive: true });
    writeFileSync(join(where.volume, "copying"), "");
    await copyUp(where);
    expect(readdirSync(where.data)).toEqual(["whole"]);
    expect(readFileSync(join(where.data, "whole"), "utf8")).toBe("whole");
    expect(existsSync(join(where.volume, "copying"))).toBe(false);
  });

  test("follows a link of the image inside its root only", async () => {
    const where = place();
    writeFileSync(join(where.root, "image/x"), "");
    symlinkSync("/image", join(where.root, "absolute"));
    symlinkSync("../../../../etc", join(where.root, "outside"));
    await copyUp(where, "/outside");
    expect(readdirSync(where.data)).toEqual([]);
    await copyUp(where, "/absolute");
    expect(readdirSync(where.data)).toEqual(["x"]);
  });

  test("copies nothing where the image has a file or nothing", async () => {
    const where = place();
    writeFileSync(join(where.root, "file"), "");
    await copyUp(where, "/file");
    await copyUp(where, "/absent/deep");
    expect(readdirSync(where.data)).toEqual([]);
  });

  test("does not follow a link that a container has put in the volume's place", async () => {
    const where = place();
    const outside = temporaryDirectory();
    writeFileSync(join(where.root, "image/x"), "");
    execFileSync("rmdir", [where.data]);
    symlinkSync(outside, where.data);
    await expect(copyUp(where)).rejects.toThrow(/cannot open the volume/);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a hard link whose first name has a path beyond PATH_MAX is to that file, not to what the path is when it is cut", async () => {
    const where = place();
    deepDown(join(where.root, "image"), cutDepth, makeCutNames);
    await copyUp(where);
    expect(deepDown(where.data, cutDepth, showCutNames)).toBe(cutNamesShown);
  });

  test("a hard link in a directory beyond PATH_MAX is refused", async () => {
    const where = place();
    deepDown(join(where.root, "image"), cutDepth + 2, makeCutNames);
    await expect(copyUp(where)).rejects.toMatchObject({ info: { details: { errno: "ENAMETOOLONG" } } });
  });

  test("two containers that fill one volume at once give it one copy", async () => {
    const where = place();
    for (let i = 0; i < 300; i++) writeFileSync(join(where.root, "image", String(i)), String(i));
    await Promise.all([copyUp(where), copyUp(where), copyUp(where)]);
    expect(describeDirectory(where.data)).toEqual(describeDirectory(join(where.root, "image")));
  });
});

test("a tree is held once, and attached once", async () => {
  const open = { kind: "open-tree", tree: 0, source: "/", path: "", recursive: 0 } as const;
  const attach = {
    kind: "attach-tree",
    tree: 1,
    target: "/x",
    flags: 0,
    topFlags: 0,
    propagation: 0,
  } as const;
  const helper = openHelper(sanitizedHelperPath());
  await expect(helper.run([fork, attach, { kind: "exit", code: 0 }], {})).rejects.toThrow(/no such tree/);
  await expect(helper.run([fork, { ...open, tree: 256 }, { kind: "exit", code: 0 }], {})).rejects.toThrow(
    /cannot hold another tree/,
  );
});
