import { LaunchError } from "../core/errors.js";
import type { EntryMeta } from "./entries.js";

/** What `read-tree` writes: the records of entry-stream.ts, and the data of each file right behind its record. */
export type TreeItem =
  | TreeEntry
  /** The end of the directory that came last and has not ended. */
  | { readonly kind: "up" }
  /** A piece of the data of the file that came last. */
  | { readonly kind: "data"; readonly bytes: Buffer };

export interface TreeEntry extends EntryMeta {
  readonly kind: "dir" | "file" | "symlink" | "node" | "link";
  /** "." where it is what was asked for. */
  readonly name: Buffer;
  /** Of a file, in bytes. */
  readonly size: number;
  /** Of a symlink; of a link the path of its first name from the first entry on. */
  readonly target: Buffer;
  readonly major: number;
  readonly minor: number;
}

const headerBytes = 56;
const maxRecord = 4 << 20;
const kinds = { 2: "dir", 3: "up", 4: "file", 5: "symlink", 6: "node", 7: "link" } as const;

/** @throws LaunchError HELPER_FAILED where the helper has written something else */
export async function* readTreeItems(bytes: AsyncIterable<Buffer>): AsyncGenerator<TreeItem> {
  const source = createSource(bytes);
  for (;;) {
    const start = await source.exactly(4);
    if (start === undefined) return;
    const size = start.readUInt32LE(0);
    const rest = size > maxRecord ? undefined : await source.exactly(size);
    if (rest === undefined) throw malformed();
    const item = parseRecord(Buffer.concat([start, rest]));
    yield item;
    if (item.kind !== "file") continue;
    for (let left = item.size; left > 0;) {
      const piece = await source.upTo(left);
      if (piece === undefined) throw malformed();
      yield { kind: "data", bytes: piece };
      left -= piece.length;
    }
  }
}

interface Source {
  /** Undefined at the end of the stream. */
  exactly(size: number): Promise<Buffer | undefined>;
  upTo(size: number): Promise<Buffer | undefined>;
}

function createSource(bytes: AsyncIterable<Buffer>): Source {
  const iterator = bytes[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  async function more(): Promise<boolean> {
    const next = await iterator.next();
    if (next.done === true) return false;
    held = held.length === 0 ? next.value : Buffer.concat([held, next.value]);
    return true;
  }
  async function upTo(size: number): Promise<Buffer | undefined> {
    if (held.length === 0 && !(await more())) return undefined;
    const piece = held.subarray(0, size);
    held = held.subarray(size);
    return piece;
  }
  return {
    upTo,
    async exactly(size) {
      while (held.length < size) if (!(await more())) return undefined;
      return size === 0 ? held.subarray(0, 0) : upTo(size);
    },
  };
}

function parseRecord(record: Buffer): TreeEntry | { readonly kind: "up" } {
  const kind = kinds[record.readUInt16LE(4) as keyof typeof kinds] as keyof typeof kinds | TreeItem["kind"];
  if (record.length < headerBytes || typeof kind !== "string" || kind === "data") throw malformed();
  if (kind === "up") return { kind };
  const nameEnd = headerBytes + record.readUInt16LE(6);
  const hasTarget = kind === "symlink" || kind === "link";
  const targetEnd = nameEnd + 1 + (hasTarget ? record.readUInt32LE(32) : 0);
  return {
    kind,
    name: record.subarray(headerBytes, nameEnd),
    mode: record.readUInt32LE(8),
    uid: record.readUInt32LE(12),
    gid: record.readUInt32LE(16),
    mtimeNs: record.readUInt32LE(20),
    mtime: Number(record.readBigInt64LE(24)),
    major: kind === "node" ? record.readUInt32LE(32) : 0,
    minor: kind === "node" ? Number(record.readBigUInt64LE(40)) : 0,
    size: Number(record.readBigUInt64LE(48)),
    target: record.subarray(nameEnd + 1, targetEnd),
    xattrs: parseXattrs(record, hasTarget ? targetEnd + 1 : nameEnd + 1),
  };
}

function parseXattrs(record: Buffer, start: number): EntryMeta["xattrs"] {
  let at = start;
  return Array.from({ length: record.readUInt32LE(36) }, () => {
    const name = at + 6;
    const value = name + record.readUInt16LE(at) + 1;
    const end = value + record.readUInt32LE(at + 2);
    at = end;
    return { name: record.subarray(name, value - 1), value: record.subarray(value, end) };
  });
}

function malformed(): LaunchError {
  return new LaunchError("HELPER_FAILED", "helper: its stream of files ends early or is malformed");
}
