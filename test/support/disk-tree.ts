import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import type { ErofsLower } from "../../src/helper/lower.js";
import { runOverErofs } from "./erofs.js";
import { entriesOf } from "./trees.js";

/** A directory tree as lines to compare, one per name: everything an unpacked layer can set. Read through GNU tar. */
export function describeDirectory(directory: string): Map<string, string> {
  return describeArchive(
    execFileSync("tar", [...tarArguments, "-C", directory, "."], { maxBuffer: 1 << 30 }),
  );
}

/** The same, of the given directories as an overlay, top first. Needs root: mounts it in a namespace of its own. */
export function describeOverlay(lowers: readonly string[], empty: string): Map<string, string> {
  // Overlay wants two lower directories, or an upper one.
  const script = 'mount -t overlay overlay -o "lowerdir=$1" "$2" && shift 2 && exec tar "$@"';
  const lowerdir = [...lowers, `${empty}/lowest`].join(":");
  const args = [
    "-m",
    "sh",
    "-c",
    script,
    "sh",
    lowerdir,
    `${empty}/mnt`,
    ...tarArguments,
    "-C",
    `${empty}/mnt`,
    ".",
  ];
  return describeArchive(execFileSync("unshare", args, { maxBuffer: 1 << 30 }));
}

/** The same, of an EROFS image over layer tars. Needs root. */
export async function describeErofs(lower: ErofsLower): Promise<Map<string, string>> {
  return describeArchive(await runOverErofs(lower, ["tar", ...tarArguments, "."]));
}

const tarArguments = [
  "--format=pax",
  "--sort=name",
  "--xattrs",
  "--xattrs-include=*",
  "--numeric-owner",
  "-cf",
  "-",
];

function describeArchive(archive: Buffer): Map<string, string> {
  const lines = new Map<string, string>();
  for (const entry of entriesOf(archive)) {
    const { type, mode, uid, gid, mtime, mtimeNs, major, minor } = entry;
    const data = archive.subarray(entry.offset, entry.offset + entry.size);
    const xattrs = entry.xattrs
      .map(({ name, value }) => `${name.toString("latin1")}=${value.toString("hex")}`)
      .sort();
    const fields = [
      type,
      mode.toString(8),
      `${uid}:${gid}`,
      `${mtime}.${mtimeNs}`,
      `${major}:${minor}`,
      entry.link.toString("latin1"),
      createHash("sha256").update(data).digest("hex").slice(0, 16),
      ...xattrs,
    ];
    // tar repeats a hard link's metadata; only what it links to counts.
    const shown = type === "hardlink" ? [type, entry.link.toString("latin1")] : fields;
    lines.set(entry.path.toString("latin1").replace(/^\.\//, "").replace(/\/$/, ""), shown.join(" "));
  }
  return lines;
}
