import type { FileHandle } from "node:fs/promises";
import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { LayerEntry } from "./entry.js";
import { createTarReader } from "./tar-reader.js";

/** A file inside an archive: where its bytes are. Nothing is ever extracted. */
export interface ArchiveMember {
  readonly offset: number;
  readonly size: number;
}

/** The members of an image archive by name. */
export interface ArchiveIndex {
  /** What users call the archive. */
  readonly shown: string;
  has(name: string): boolean;
  /**
   * A regular file, also one a link of the archive leads to (docker before 25 links equal layers).
   * @throws StoreError CORRUPT for a name or a link that leads out of the archive, NOT_FOUND
   */
  find(name: string): ArchiveMember;
}

/** An archive of a hundred images with a hundred layers has 30,000. */
const maxMembers = 1_000_000;
const windowBytes = 64 * 1024;

/** Reads the headers of an uncompressed tar, skipping all content. @throws LayerError BAD_TAR, TOO_BIG */
export async function indexArchive(handle: FileHandle, shown: string): Promise<ArchiveIndex> {
  const members = new Map<string, LayerEntry>();
  await eachEntry(handle, shown, (entry) => {
    const name = normalize(entry.path.toString("utf8"));
    if (name !== undefined) members.set(name, entry);
  });
  return {
    shown,
    has: (name) => members.has(name),
    find(name) {
      const path = normalize(name);
      if (path === undefined) throw escapes(shown, name);
      const entry = members.get(path);
      if (entry === undefined) throw missing(shown, name);
      const target = linkTarget(path, entry);
      if (target === undefined) throw escapes(shown, name);
      const file = members.get(target);
      if (file?.type === "file") return file;
      throw missing(shown, name);
    },
  };
}

/** The name itself for a file; undefined for a link that leads out. One link is followed: nobody writes chains. */
function linkTarget(name: string, { type, link }: LayerEntry): string | undefined {
  if (type === "hardlink") return normalize(link.toString("utf8"));
  if (type !== "symlink") return name;
  const directory = name.includes("/") ? name.slice(0, name.lastIndexOf("/") + 1) : "";
  const target = link.toString("utf8");
  return target.startsWith("/") ? undefined : normalize(directory + target);
}

/** Without `.` and `..`; undefined for what is no path inside the archive. */
function normalize(name: string): string | undefined {
  if (name.startsWith("/")) return undefined;
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts.join("/");
}

/** One reader for each stretch of headers: what lies between is skipped without being read. */
async function eachEntry(
  handle: FileHandle,
  what: string,
  onEntry: (entry: LayerEntry) => void,
): Promise<void> {
  const window = Buffer.alloc(windowBytes);
  const { size } = await handle.stat();
  let count = 0;
  for (let start = 0; start < size;) {
    const base = start;
    let end = base;
    const reader = createTarReader({
      what,
      maxEntries: maxMembers - count,
      onEntry(entry) {
        count++;
        const offset = base + entry.offset;
        end = offset + Math.ceil(entry.size / 512) * 512;
        onEntry({ ...entry, offset });
      },
    });
    for (let at = base; ; at += windowBytes) {
      const { bytesRead } = await handle.read(window, 0, windowBytes, at);
      if (bytesRead > 0) reader.write(window.subarray(0, bytesRead));
      if (end > at + bytesRead && end <= size) break;
      if (at + bytesRead < size) continue;
      reader.end();
      return;
    }
    start = end;
  }
}

function escapes(shown: string, name: string): StoreError {
  return new StoreError(
    "CORRUPT",
    `archive ${printable(shown)}: ${printable(name)}: leads out of the archive`,
  );
}

function missing(shown: string, name: string): StoreError {
  return new StoreError(
    "NOT_FOUND",
    `archive ${printable(shown)}: ${printable(name)}: not in it, or no file`,
  );
}
