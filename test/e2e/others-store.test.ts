import { chmodSync, lstatSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { demoLayout, pullrun, temporaryDirectory } from "../support/cli.js";
import { isRoot } from "../support/tools.js";
import { ordinaryUid as uid } from "../support/users.js";

const needsRoot = isRoot ? "" : "needs root: ";
const image = "pullrun/whiteouts";
const source = `oci:${demoLayout}:${image}:latest`;

async function usersStore(): Promise<string> {
  const root = path.join(temporaryDirectory({ uid }), "store");
  expect(await pullrun(["pull", "-q", source], { root, uid })).toMatchObject({ status: 0 });
  expect(await pullrun(["create", "--name", "box", "--squash-ids", image], { root, uid })).toMatchObject({
    status: 0,
  });
  return root;
}

function ownersIn(directory: string): number[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return [...new Set(names.map((name) => lstatSync(path.join(directory, name)).uid))];
}

describe.skipIf(needsRoot !== "")(`${needsRoot}another user's store`, () => {
  test("is not written by root, who would lock the user out of it", async () => {
    const root = await usersStore();
    const before = readdirSync(root, { recursive: true }).length;
    for (const [status, ...args] of [
      [1, "pull", source],
      [125, "run", "--rm", image],
      [125, "create", image],
      [1, "start", "box"],
      [1, "rm", "box"],
      [1, "tag", image, "other"],
      [1, "rmi", image],
      [1, "prune"],
      [1, "verify"],
      [1, "load", "-i", "/dev/null"],
      [1, "volume", "create", "data"],
    ] as const) {
      const refused = await pullrun(args, { root });
      expect(refused, args.join(" ")).toMatchObject({ status, stdout: "" });
      expect(refused.stderr).toBe(
        `pullrun: store: ${root}: belongs to uid ${uid} (expected root)\n` +
          `hint: be that user: sudo -u '#${uid}' pullrun --root …; or name another store. Root may look into it: images, ls, ps, …\n`,
      );
    }
    expect(ownersIn(root)).toEqual([uid]);
    expect(readdirSync(root, { recursive: true }).length).toBe(before);
    expect(await pullrun(["rm", "box"], { root, uid })).toMatchObject({ status: 0 });
  });

  test("is open to root for looking into it, which leaves nothing there", async () => {
    const root = await usersStore();
    for (const args of [
      ["images"],
      ["inspect", image],
      ["inspect", "box"],
      ["history", image],
      ["layers", image],
      ["ls", image],
      ["tree", image],
      ["diff", image, image],
      ["du", image],
      ["report", image],
      ["export", image],
      ["save", image],
      ["ps", "-a"],
      ["logs", "box"],
      ["volume", "ls"],
    ]) {
      expect(await pullrun(args, { root }), args.join(" ")).toMatchObject({ status: 0 });
    }
    expect(ownersIn(root)).toEqual([uid]);
  });

  test("is not what an empty directory of theirs is: root may begin a store in it", async () => {
    const root = temporaryDirectory({ uid });
    expect(await pullrun(["pull", "-q", source], { root })).toMatchObject({ status: 0 });
    expect(await pullrun(["rmi", image], { root })).toMatchObject({ status: 0 });
  });
});

describe.skipIf(needsRoot !== "")(`${needsRoot}root's store`, () => {
  test.each([
    ["in a directory that anybody may enter", 0o755],
    ["in a directory of root's own", 0o700],
  ])("%s tells an ordinary user in one line that it is private, and no false sizes", async (_, mode) => {
    const directory = temporaryDirectory();
    const root = path.join(directory, "store");
    await pullrun(["pull", "-q", source], { root });
    chmodSync(directory, 0o755);
    chmodSync(root, mode);
    for (const args of [
      ["images"],
      ["inspect", image],
      ["history", image],
      ["layers", image],
      ["ls", image],
      ["du", image],
      ["ps"],
      ["volume", "ls"],
      ["pull", source],
    ]) {
      expect(await pullrun(args, { root, uid }), args.join(" ")).toEqual({
        status: 1,
        stdout: args[0] === "inspect" ? "[]\n" : "",
        stderr: expect.stringMatching(
          /pullrun: store: \S+: only root may read its layers and containers\nhint: .*\n$/,
        ) as string,
      });
    }
  });
});
