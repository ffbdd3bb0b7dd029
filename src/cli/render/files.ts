import type { FileInfo, FileType } from "../../api/file-info.js";
import { escapeName } from "./escape.js";
import { bytesField } from "./json.js";

const letters: Readonly<Record<FileType, string>> = {
  file: "-",
  hardlink: "h",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  deleted: "w",
  opaque: "o",
};

/** `-rwsr-xr-x`, with tar's `h` for a hard link, and `w` and `o` for what a layer deletes. */
export function modeText({ type, attributes }: Pick<FileInfo, "type" | "attributes">): string {
  if (attributes === undefined) return `${letters[type]}---------`;
  const { mode } = attributes;
  const bit = (mask: number, letter: string): string => ((mode & mask) === 0 ? "-" : letter);
  const run = (mask: number, special: number, letter: string): string => {
    if ((mode & special) === 0) return bit(mask, "x");
    return (mode & mask) === 0 ? letter.toUpperCase() : letter;
  };
  return [
    letters[type],
    bit(0o400, "r") + bit(0o200, "w") + run(0o100, 0o4000, "s"),
    bit(0o040, "r") + bit(0o020, "w") + run(0o010, 0o2000, "s"),
    bit(0o004, "r") + bit(0o002, "w") + run(0o001, 0o1000, "t"),
  ].join("");
}

/** `2024-05-22 09:48:31` in UTC; seconds since 1970 for a time no calendar has. */
export function timeText(seconds: number): string {
  const time = new Date(seconds * 1000);
  if (Number.isNaN(time.getTime())) return `@${seconds}`;
  return time.toISOString().replace("T", " ").slice(0, -5);
}

/** Mode, owner, size or device number, time, name: the columns of a long listing. */
export function longColumns(info: FileInfo, name: string): [string, string, string, string, string] {
  const { attributes, device, size } = info;
  return [
    modeText(info),
    attributes === undefined ? "-" : `${attributes.uid}:${attributes.gid}`,
    device === undefined ? String(size) : `${device.major},${device.minor}`,
    attributes === undefined ? "-" : timeText(attributes.mtime),
    name + linkText(info),
  ];
}

function linkText({ type, target }: FileInfo): string {
  if (target === undefined) return "";
  return type === "hardlink" ? ` = ${escapeName(target)}` : ` -> ${escapeName(target)}`;
}

/** One name as JSON; see docs/cli.md for the fields. */
export function fileJson(info: FileInfo): Record<string, unknown> {
  const { path, type, attributes, size, target, device, layer } = info;
  return {
    ...bytesField("path", path),
    type,
    size,
    ...(attributes === undefined ? {} : attributesJson(attributes)),
    ...(target === undefined ? {} : bytesField("target", target)),
    ...device,
    ...(layer === undefined ? {} : { layer }),
  };
}

function attributesJson(attributes: NonNullable<FileInfo["attributes"]>): Record<string, unknown> {
  const { mode, uid, gid, mtime, mtimeNs, xattrs } = attributes;
  return {
    mode: mode.toString(8).padStart(4, "0"),
    uid,
    gid,
    mtime,
    mtimeNs,
    ...(xattrs.length === 0
      ? {}
      : {
          xattrs: xattrs.map(({ name, value }) => ({
            ...bytesField("name", name),
            value: value.toString("base64"),
          })),
        }),
  };
}
