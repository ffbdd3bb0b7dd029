import { blockBytes } from "./erofs-format.js";

/** A name in a directory. Names are latin1 strings standing for bytes. */
export interface Dirent {
  readonly name: string;
  readonly nid: number;
  /** EROFS_FT_*, the numbers of readdir(3)'s kernel side. */
  readonly type: number;
}

const direntBytes = 12;

/**
 * Bytes of a directory with these names, sorted, "." and ".." among them. Blocks are filled one after the other; the
 * size is that of the full ones plus what is used of the last.
 */
export function directoryBytes(names: readonly string[]): number {
  let full = 0;
  let used = 0;
  for (const name of names) {
    const bytes = direntBytes + name.length;
    if (used + bytes > blockBytes) {
      full += blockBytes;
      used = 0;
    }
    used += bytes;
  }
  return full + used;
}

/** Writes what {@link directoryBytes} measured to `target` at `at`, which is zero there to the end of the last block. */
export function encodeDirectory(target: Buffer, at: number, entries: readonly Dirent[]): void {
  let block = at;
  for (let first = 0; first < entries.length;) {
    const count = fitting(entries, first);
    encodeBlock(target, block, entries.slice(first, first + count));
    first += count;
    block += blockBytes;
  }
}

/** How many entries from `first` fit into one block. */
function fitting(entries: readonly Dirent[], first: number): number {
  let used = 0;
  let end = first;
  for (; end < entries.length; end++) {
    used += direntBytes + (entries[end]?.name.length ?? 0);
    if (used > blockBytes) break;
  }
  return end - first;
}

/** Entries, then names: the first name's place tells how many entries there are. */
function encodeBlock(target: Buffer, block: number, entries: readonly Dirent[]): void {
  let name = entries.length * direntBytes;
  entries.forEach((entry, index) => {
    const at = block + index * direntBytes;
    target.writeUInt32LE(entry.nid % 2 ** 32, at);
    target.writeUInt32LE(Math.floor(entry.nid / 2 ** 32), at + 4);
    target.writeUInt16LE(name, at + 8);
    target.writeUInt8(entry.type, at + 10);
    name += target.write(entry.name, block + name, "latin1");
  });
}
