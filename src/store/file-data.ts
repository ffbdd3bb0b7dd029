import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { storeError } from "./files.js";

/** Where a file's data lies: in which layer's tar (0 = bottom), and where in it. */
export interface DataPlace {
  readonly layer: number;
  readonly offset: number;
  readonly size: number;
}

/** The data of files, straight from the tars. */
export interface FileData {
  /** In pieces of at most 1 MiB, each valid until the next is asked for. @throws StoreError CORRUPT, STORE_IO */
  read(place: DataPlace): Generator<Buffer, void>;
  close(): void;
}

const pieceBytes = 1024 * 1024;

/**
 * Opens all tars at once, so that a file system being exported stays whole if its image is removed meanwhile.
 * Reads are synchronous: they are from the page cache, and a promise for each of a hundred thousand small files would
 * cost ten times the read.
 */
export function openFileData(tars: readonly string[]): FileData {
  const opened: OpenTar[] = [];
  const close = (): void => {
    for (const { fd } of opened.splice(0)) closeSync(fd);
  };
  try {
    for (const tar of tars) opened.push(openTar(tar));
  } catch (error) {
    close();
    throw error;
  }
  return { read: (place) => readPlace(opened[place.layer], place), close };
}

interface OpenTar {
  readonly file: string;
  readonly fd: number;
  readonly size: number;
}

function openTar(file: string): OpenTar {
  try {
    const fd = openSync(file, "r");
    return { file, fd, size: fstatSync(fd).size };
  } catch (error) {
    throw storeError("layer", file, error);
  }
}

function* readPlace(tar: OpenTar | undefined, { offset, size }: DataPlace): Generator<Buffer, void> {
  if (tar === undefined || offset + size > tar.size) throw tooShort(tar, offset + size);
  const piece = Buffer.allocUnsafe(Math.min(size, pieceBytes));
  for (let done = 0; done < size;) {
    const count = readAt(tar, piece.subarray(0, size - done), offset + done);
    if (count === 0) throw tooShort(tar, offset + size);
    yield piece.subarray(0, count);
    done += count;
  }
}

function readAt({ fd, file }: OpenTar, piece: Buffer, position: number): number {
  try {
    return readSync(fd, piece, 0, piece.length, position);
  } catch (error) {
    throw storeError("layer", file, error);
  }
}

function tooShort(tar: OpenTar | undefined, needed: number): StoreError {
  const message = `layer: ${printable(tar?.file ?? "unknown")}: is ${tar?.size ?? 0} bytes long (expected at least ${needed})`;
  return new StoreError("CORRUPT", message, {
    hint: "remove the image with `pullrun rmi` and pull it again",
  });
}
