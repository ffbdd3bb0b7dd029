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
  const owner = rights(mode >> 6, (mode & 0o4000) === 0 ? "" : "s");
  const group = rights(mode >> 3, (mode & 0o2000) === 0 ? "" : "s");
  const others = rights(mode, (mode & 0o1000) === 0 ? "" : "t");
  return letters[type] + owner + group + others;
}

const triples = ["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"];

/** @param special the letter in the place of `x`; a capital where there is no `x` */
function rights(bits: number, special: "" | "s" | "t"): string {
  const triple = triples[bits & 7] ?? "";
  if (special === "") return triple;
  return triple.slice(0, 2) + ((bits & 1) === 0 ? special.toUpperCase() : special);
}

/** Written before: that takes a microsecond, and the hundred thousand files of an image have few different times. */
const times = new Map<number, string>();

/** `2024-05-22 09:48:31` in UTC; seconds since 1970 for a time no calendar has. */
export function timeText(seconds: number): string {
  const known = times.get(seconds);
  if (known !== undefined) return known;
  const time = new Date(seconds * 1000);
  const isTime = !Number.isNaN(time.getTime());
  const text = isTime ? time.toISOString().replace("T", " ").slice(0, -5) : `@${seconds}`;
  times.set(seconds, text);
  return text;
}

/** The last part of its path. */
export function nameText({ path }: Pick<FileInfo, "path">): string {
  return escapeName(path.subarray(path.lastIndexOf(0x2f) + 1));
}

export function ownerText({ attributes }: Pick<FileInfo, "attributes">): string {
  return attributes === undefined ? "-" : `${attributes.uid}:${attributes.gid}`;
}

/** What a device has in its place is its number. */
export function sizeText({ device, size }: FileInfo): string {
  return device === undefined ? String(size) : `${device.major},${device.minor}`;
}

/** What stands behind a name that leads to another. */
export function linkText({ type, target }: FileInfo): string {
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
