import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cloneFlags } from "../../src/helper/constants.js";
import type { ErofsLower } from "../../src/helper/lower.js";
import { erofsImage } from "../../src/store/erofs-image.js";
import { probeErofs } from "../../src/store/erofs-probe.js";
import { storePaths } from "../../src/store/layout.js";
import { applyLayer } from "../../src/store/merge.js";
import { ownerPolicy } from "../../src/store/owners.js";
import { emptyTree } from "../../src/store/tree.js";
import { helper, needsHelper, temporaryDirectory } from "./store.js";
import { isRoot } from "./tools.js";
import { entriesOf } from "./trees.js";

/** `""`, or the front of a skipped test's name. */
export const needsErofs = needsHelper !== "" || !isRoot ? `${needsHelper}needs root: ` : await kernelNeeds();

async function kernelNeeds(): Promise<string> {
  const paths = storePaths(temporaryDirectory());
  mkdirSync(paths.rootfs);
  const problem = await probeErofs({ paths, helper, privilege: { kind: "root" } });
  return problem === undefined ? "" : `needs erofs (${problem}): `;
}

/** A directory's files as an image: `image` and `tar` in `target`. */
export function makeErofs(directory: string, target: string): ErofsLower {
  const [image, device] = [path.join(target, "image"), path.join(target, "tar")];
  const archive = execFileSync("tar", ["-C", directory, "-cf", "-", "."], { maxBuffer: 1 << 30 });
  const layer = { what: "layer", index: 0, entries: entriesOf(archive), warn: () => undefined };
  const { pieces } = erofsImage(applyLayer(emptyTree(), layer), {
    tars: [{ tag: "layer", bytes: archive.length }],
    policy: ownerPolicy({ kind: "root" }, () => undefined),
    uuid: Buffer.alloc(16),
  });
  writeFileSync(device, archive);
  writeFileSync(image, Buffer.concat([...pieces()]));
  return { image, devices: [device] };
}

/** Standard output of a program whose working directory is the mounted image. Needs root; nobody else sees the mount. */
export async function runOverErofs(lower: ErofsLower, argv: readonly string[]): Promise<Buffer> {
  const directory = temporaryDirectory();
  const at = path.join(directory, "mnt");
  mkdirSync(at);
  const output = path.join(directory, "output");
  const stdout = openSync(output, "w");
  try {
    const status = await helper.run(
      [
        {
          kind: "clone",
          flags: cloneFlags.CLONE_NEWNS,
          ...{ uidMap: "", gidMap: "", newuidmap: "", newgidmap: "", cgroupProcs: [] },
        },
        { kind: "private-mounts" },
        { kind: "mount-erofs", ...lower, at },
        { kind: "environment", entries: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"] },
        { kind: "exec", argv: ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", at, ...argv] },
      ],
      { stdout, stderr: 2 },
    );
    if (status !== 0) throw new Error(`${argv.join(" ")}: exit status ${status}`);
  } finally {
    closeSync(stdout);
  }
  return readFileSync(output);
}
