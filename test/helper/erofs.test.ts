import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Plan, Step } from "../../src/helper/plan.js";
import { openHelper } from "../../src/helper/process.js";
import { erofsImage } from "../../src/store/erofs-image.js";
import { ownerPolicy } from "../../src/store/owners.js";
import { newDirectory, type DirNode } from "../../src/store/tree.js";
import { needsErofs } from "../support/erofs.js";
import { helperBuilds, isolated, shell, temporaryDirectory } from "./support.js";

type MountErofs = Extract<Step, { readonly kind: "mount-erofs" }>;

function treeOf(files: readonly string[]): DirNode {
  const tree = newDirectory(0);
  const attributes = { ...tree.attributes, mode: 0o644 };
  files.forEach((name, layer) =>
    tree.children.set(name, { kind: "file", attributes, names: 1, size: 4, layer, offset: 512 }),
  );
  return tree;
}

/** An image over as many tars as there are files, each with its name's first letter as content. */
function makeImage(...files: readonly string[]): MountErofs & { readonly directory: string } {
  const directory = temporaryDirectory();
  const devices = files.map((name) => join(directory, `${"long".repeat(40)}-${name}.tar`));
  devices.forEach((device, i) => {
    writeFileSync(device, Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, files[i]![0])]));
  });
  const image = join(directory, "image");
  const tars = files.map((tag) => ({ tag, bytes: 1024 }));
  const policy = ownerPolicy({ kind: "root" }, () => undefined);
  const made = erofsImage(treeOf(files), { tars, policy, uuid: Buffer.alloc(16) });
  writeFileSync(image, Buffer.concat([...made.pieces()]));
  const at = join(directory, "mnt");
  mkdirSync(at);
  return { kind: "mount-erofs", image, at, devices, directory };
}

describe.skipIf(needsErofs !== "").each(helperBuilds())(`${needsErofs}%s`, (_, path) => {
  const helper = openHelper(path);

  async function mounted(
    { directory, ...step }: ReturnType<typeof makeImage>,
    command: string,
  ): Promise<string> {
    const output = join(directory, "output");
    const stdout = openSync(output, "w");
    const plan: Plan = [isolated(), { kind: "private-mounts" }, step, ...shell(command)];
    try {
      await helper.run(plan, { stdout });
    } finally {
      closeSync(stdout);
    }
    return readFileSync(output, "utf8");
  }

  test("mounts an image over files whose paths are longer than fsconfig takes, out of the host's sight", async () => {
    const image = makeImage("a", "b", "c");
    expect(await mounted(image, `cat ${image.at}/*; grep -c ${image.at} /proc/mounts`)).toBe(
      "aaaabbbbcccc1\n",
    );
    expect(readdirSync(image.at)).toEqual([]);
  });

  test("mounts it read-only, without devices and setuid", async () => {
    const image = makeImage("a");
    expect(await mounted(image, `grep ${image.at} /proc/mounts`)).toMatch(/ erofs ro,nosuid,nodev,/);
  });

  test("mounts an image of a tree without data", async () => {
    const image = makeImage();
    expect(await mounted(image, `ls -A ${image.at} && grep -c ${image.at} /proc/mounts`)).toBe("1\n");
  });

  test("has nothing left open in the program", async () => {
    const image = makeImage("a", "b");
    expect(await mounted(image, "ls /proc/self/fd | wc -l")).toBe("4\n");
  });

  test("takes more files than may be open", async () => {
    const image = makeImage(...Array.from({ length: 1200 }, (_unused, i) => `file-${i}`));
    expect(await mounted(image, `cat ${image.at}/file-1199`)).toBe("ffff");
  });

  test.each([
    [
      "an image that is none",
      "EINVAL",
      (image: MountErofs) => writeFileSync(image.image, Buffer.alloc(8192)),
    ],
    ["an empty image", undefined, (image: MountErofs) => writeFileSync(image.image, "")],
    ["an image that is not there", "ENOENT", (image: MountErofs) => ({ ...image, image: `${image.image}x` })],
    ["a device that is not there", "ENOENT", (image: MountErofs) => ({ ...image, devices: ["/nowhere"] })],
    ["a device too few", "EINVAL", (image: MountErofs) => ({ ...image, devices: image.devices.slice(1) })],
    [
      "a device too many",
      "EINVAL",
      (image: MountErofs) => ({ ...image, devices: [...image.devices, image.image] }),
    ],
    ["a directory for a device", undefined, (image: MountErofs) => ({ ...image, devices: ["/"] })],
    ["a mount point that is a link", "ENOTDIR", linkedMountPoint],
  ] as const)("refuses %s", async (_unused, errno, spoil) => {
    const image = makeImage("a", "b");
    const spoilt = spoil(image) ?? image;
    const failure = await mounted({ ...image, ...spoilt }, "true").catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "HELPER_FAILED",
      info: { details: { kind: "mount-erofs", errno: errno ?? (expect.stringMatching(/^E/) as string) } },
    });
  });
});

function linkedMountPoint(image: MountErofs): MountErofs {
  const at = `${image.at}-link`;
  symlinkSync(image.at, at);
  return { ...image, at };
}
