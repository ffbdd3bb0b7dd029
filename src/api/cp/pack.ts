import path from "node:path";
import { fileTypes } from "../../helper/constants.js";
import { readTreeItems, type TreeEntry, type TreeItem } from "../../helper/tree-records.js";
import { encodeTarEntry, tarEnd, tarPadding, type TarEntry } from "../../store/tar-writer.js";
import type { Context } from "../context.js";
import { findSide, followLink, lookAt, nothingThere, type Place } from "./side.js";

export interface PackRequest {
  readonly from: Place;
  readonly follow: boolean;
}

/** What is at a place as a tar, named by the last part of its path. @throws StoreError NOT_FOUND */
export async function packFiles(
  context: Context,
  request: PackRequest,
  write: (tar: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const { signal } = context;
  const helper = await context.helper();
  const from = await findSide(context, request.from);
  const follow = request.follow || request.from.path.endsWith("/");
  if ((await lookAt(helper, from, { follow, signal })) === undefined) throw nothingThere(from);
  const contents = path.posix.basename(request.from.path) === ".";
  const name = contents ? "." : path.posix.basename(from.path) || ".";
  const options = follow || contents ? followLink : 0;
  await helper.run(from.plan([{ kind: "read-tree", path: from.path, fd: 1, options }]), {
    signal,
    output: (bytes) => write(tarOf(readTreeItems(bytes), Buffer.from(name))),
  });
}

/** @param top what the first entry is called */
export async function* tarOf(items: AsyncIterable<TreeItem>, top: Buffer): AsyncGenerator<Buffer> {
  const parents: Buffer[] = [];
  let file = 0;
  let left = 0;
  for await (const item of items) {
    if (item.kind === "up") {
      parents.pop();
      continue;
    }
    if (item.kind === "data") {
      yield item.bytes;
      left -= item.bytes.length;
      if (left === 0) yield tarPadding(file);
      continue;
    }
    const parent = parents.at(-1);
    const name = parent === undefined ? top : join(parent, item.name);
    yield encodeTarEntry(entryOf(item, name, top));
    if (item.kind === "dir") parents.push(name);
    if (item.kind === "file") file = left = item.size;
  }
  yield tarEnd;
}

const slash = Buffer.from("/");

function join(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [slash, part])));
}

const types: Readonly<Record<number, TarEntry["type"]>> = {
  [fileTypes.S_IFCHR]: "char",
  [fileTypes.S_IFBLK]: "block",
  [fileTypes.S_IFIFO]: "fifo",
};
const typeBits = 0o170000;

function entryOf(item: TreeEntry, name: Buffer, top: Buffer): TarEntry {
  const { kind, mode, uid, gid, mtime, mtimeNs, size, target, major, minor } = item;
  const xattrs = item.xattrs.map(({ name: key, value }) => ({
    name: Buffer.from(key),
    value: Buffer.from(value),
  }));
  const base = { path: name, mode: mode & 0o7777, uid, gid, mtime, mtimeNs, xattrs, size, major, minor };
  switch (kind) {
    case "dir":
      return { ...base, path: Buffer.concat([name, slash]), type: "directory", link: target };
    case "link":
      return { ...base, type: "hardlink", link: join(top, target), xattrs: [] };
    case "node":
      return { ...base, type: types[mode & typeBits] ?? "fifo", link: target };
    default:
      return { ...base, type: kind, link: target };
  }
}
