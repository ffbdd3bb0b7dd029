import { LayerError } from "../../core/errors.js";
import { limits } from "../../core/limits.js";
import { printable } from "../../core/text.js";
import { fileTypes } from "../../helper/constants.js";
import {
  dirRecord,
  enterRecord,
  fileRecord,
  linkRecord,
  nodeRecord,
  symlinkRecord,
  upRecord,
} from "../../helper/entry-stream.js";
import { createInflater, detectCompression, magicBytes } from "../../store/decompress.js";
import type { EntryType, LayerEntry } from "../../store/entry.js";
import { createTarReader } from "../../store/tar-reader.js";

const what = "cp: standard input";
const top = dirRecord(Buffer.from("."), { mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, xattrs: [] });

/**
 * A tar as the records `write-tree` takes, into one directory. The tar is a stranger's: paths that climb are refused, and
 * links on the way to a file lead where the helper lets them.
 * @throws LayerError BAD_TAR, BAD_COMPRESSION, PATH_ESCAPE
 */
export async function* recordsOfTar(tar: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const walk = createWalk();
  yield top;
  for await (const plain of inflated(tar)) {
    walk.write(plain);
    yield* walk.take();
  }
  walk.end();
  yield* walk.take();
}

async function* inflated(tar: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let ready: Buffer[] = [];
  let start: Buffer = Buffer.alloc(0);
  let inflater: ReturnType<typeof createInflater> | undefined;
  for await (const piece of tar) {
    start = inflater === undefined ? Buffer.concat([start, piece]) : start;
    if (inflater === undefined && start.length < magicBytes) continue;
    const first = inflater === undefined;
    inflater ??= createInflater(what, detectCompression(what, start), (bytes) => ready.push(bytes));
    await inflater.write(first ? start : piece);
    yield* ready;
    ready = [];
  }
  if (inflater === undefined) yield start;
  await inflater?.end();
  yield* ready;
}

interface Walk {
  write(bytes: Buffer): void;
  end(): void;
  /** What there is to send. */
  take(): Buffer[];
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function createWalk(): Walk {
  let out: Buffer[] = [];
  let position = 0;
  // Where the data of the entry that came last are, in the tar.
  let data: Range = { start: 0, end: 0 };
  let chunk: Buffer = Buffer.alloc(0);
  const open: string[] = [];
  const sendData = (): void => {
    const from = Math.max(data.start, position) - position;
    const to = Math.min(data.end, position + chunk.length) - position;
    if (to > from) out.push(chunk.subarray(from, to));
  };
  const reader = createTarReader({
    what,
    maxEntries: limits.layerEntries,
    onEntry(entry) {
      sendData();
      out.push(...goTo(open, entry));
      data = { start: entry.offset, end: entry.offset + entry.size };
    },
  });
  return {
    write(bytes) {
      chunk = bytes;
      reader.write(bytes);
      sendData();
      position += bytes.length;
    },
    end() {
      reader.end();
      out.push(...open.map(() => upRecord()), upRecord());
    },
    take() {
      const taken = out;
      out = [];
      return taken;
    },
  };
}

/** Leaves and enters directories until `entry` can be made, and makes it. */
function goTo(open: string[], entry: LayerEntry): Buffer[] {
  const parts = partsOf(entry.path);
  const name = parts.pop();
  // The directory itself, `./`, is the caller's.
  if (name === undefined) return [];
  let same = 0;
  while (same < parts.length && open[same] === parts[same]) same++;
  const up = open.splice(same).map(() => upRecord());
  const entered = parts.slice(same);
  open.push(...entered);
  const steps = [...up, ...entered.map((part) => enterRecord(Buffer.from(part, "latin1")))];
  if (entry.type === "directory") open.push(name);
  return [...steps, recordOf(entry, Buffer.from(name, "latin1"))];
}

function partsOf(path: Buffer): string[] {
  const parts = path
    .toString("latin1")
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  if (!parts.includes("..")) return parts;
  throw new LayerError(
    "PATH_ESCAPE",
    `${what}: ${printable(path.toString("utf8"), 100)}: climbs out of the tar`,
  );
}

const nodeTypes: Partial<Record<EntryType, number>> = {
  char: fileTypes.S_IFCHR,
  block: fileTypes.S_IFBLK,
  fifo: fileTypes.S_IFIFO,
};

function recordOf(entry: LayerEntry, name: Buffer): Buffer {
  switch (entry.type) {
    case "directory":
      return dirRecord(name, entry);
    case "file":
      return fileRecord(name, entry, { tar: 0, offset: 0, size: entry.size });
    case "symlink":
      return symlinkRecord(name, entry, entry.link);
    case "hardlink":
      return linkRecord(name, Buffer.from(partsOf(entry.link).join("/"), "latin1"));
    default:
      return nodeRecord(name, { ...entry, mode: entry.mode | (nodeTypes[entry.type] ?? 0) }, entry);
  }
}
