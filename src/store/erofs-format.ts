import { LayerError } from "../core/errors.js";

/**
 * EROFS on disk (Linux fs/erofs/erofs_fs.h), as far as an image needs it that holds metadata only and whose file data
 * lies in other devices. Everything is little endian. Blocks have 512 bytes, as those of a tar: a file's data begins
 * at a block of its layer's tar.
 */
export const blockBytes = 512;
/** Inodes are named by where they are, in units of this. */
export const slotBytes = 32;
/** We write the extended form only: times in nanoseconds, ids and link counts of 32 bits. */
export const inodeBytes = 64;
export const chunkIndexBytes = 8;

const superblockAt = 1024;
const superblockBytes = 128;
const deviceSlotBytes = 128;
const magic = 0xe0f5_e1e2;
/** "i_mtime is the mtime": older images had the ctime there. */
const compatMtime = 0x2;
const incompatChunkedFile = 0x4;
const incompatDeviceTable = 0x8;

export interface Superblock {
  readonly rootNid: number;
  readonly inodes: number;
  /** Size of the image, in blocks. */
  readonly blocks: number;
  /** 16 bytes. */
  readonly uuid: Buffer;
}

/** A layer's tar, in the order of the mount's `device=` options. Chunks name it by its position from 1. */
export interface Device {
  /** Only for people: at most 64 bytes. */
  readonly tag: string;
  readonly blocks: number;
}

/** What precedes the inodes, in bytes: a whole number of blocks. */
export function headerBytes(devices: number): number {
  return align(superblockAt + superblockBytes + devices * deviceSlotBytes, blockBytes);
}

export function encodeHeader(superblock: Superblock, devices: readonly Device[]): Buffer {
  const header = Buffer.alloc(headerBytes(devices.length));
  const at = superblockAt;
  header.writeUInt32LE(magic, at);
  header.writeUInt32LE(compatMtime, at + 8);
  header.writeUInt8(Math.log2(blockBytes), at + 12);
  header.writeUInt16LE(superblock.rootNid, at + 14);
  header.writeBigUInt64LE(BigInt(superblock.inodes), at + 16);
  header.writeUInt32LE(superblock.blocks, at + 36);
  header.writeUInt32LE(header.length / blockBytes, at + 40);
  superblock.uuid.copy(header, at + 48);
  header.writeUInt32LE(incompatChunkedFile | incompatDeviceTable, at + 80);
  header.writeUInt16LE(devices.length, at + 86);
  header.writeUInt16LE((superblockAt + superblockBytes) / deviceSlotBytes, at + 88);
  devices.forEach(({ tag, blocks }, index) => {
    const slot = superblockAt + superblockBytes + index * deviceSlotBytes;
    header.write(tag, slot, 64, "latin1");
    header.writeUInt32LE(blocks, slot + 64);
  });
  return header;
}

/** Where an inode's data is: blocks of this image, right behind the inode, or blocks of a device. */
export type DataLayout =
  | { readonly kind: "plain"; readonly block: number }
  | { readonly kind: "inline" }
  | { readonly kind: "chunk"; readonly blockBits: number };

export interface InodeFields {
  /** With the type's bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly mtimeNs: number;
  readonly links: number;
  readonly size: number;
  readonly layout: DataLayout | { readonly kind: "device"; readonly rdev: number };
  readonly xattrBytes: number;
  /** For stat(2) on 32-bit systems. */
  readonly number: number;
}

const layoutCodes = { plain: 0, device: 0, inline: 2, chunk: 4 } as const;
const extendedInode = 1;
const chunkIndexes = 0x20;

/** Fills the 64 bytes of `target` at `at`, which are zero. */
export function encodeInode(target: Buffer, at: number, inode: InodeFields): void {
  const { layout, xattrBytes } = inode;
  target.writeUInt16LE((layoutCodes[layout.kind] << 1) | extendedInode, at);
  // The 12 bytes of the xattr header count as one.
  target.writeUInt16LE(xattrBytes === 0 ? 0 : (xattrBytes - 12) / 4 + 1, at + 2);
  target.writeUInt16LE(inode.mode, at + 4);
  target.writeUInt32LE(low(inode.size), at + 8);
  target.writeUInt32LE(Math.floor(inode.size / 2 ** 32), at + 12);
  target.writeUInt32LE(layoutValue(layout), at + 16);
  target.writeUInt32LE(inode.number, at + 20);
  target.writeUInt32LE(inode.uid, at + 24);
  target.writeUInt32LE(inode.gid, at + 28);
  target.writeUInt32LE(low(inode.mtime), at + 32);
  target.writeInt32LE(Math.floor(inode.mtime / 2 ** 32), at + 36);
  target.writeUInt32LE(inode.mtimeNs, at + 40);
  target.writeUInt32LE(inode.links, at + 44);
}

/** The lower half of a 64-bit two's complement number. */
function low(value: number): number {
  return value - Math.floor(value / 2 ** 32) * 2 ** 32;
}

function layoutValue(layout: InodeFields["layout"]): number {
  switch (layout.kind) {
    case "plain":
      return layout.block;
    case "inline":
      return 0;
    case "chunk":
      return layout.blockBits | chunkIndexes;
    case "device":
      return layout.rdev;
  }
}

/** The one chunk of a file: block `block` of device `device`, counted from 1. */
export function encodeChunkIndex(target: Buffer, at: number, chunk: { device: number; block: number }): void {
  target.writeUInt16LE(chunk.device, at + 2);
  target.writeUInt32LE(chunk.block, at + 4);
}

/** The smallest chunk, as a power of two of blocks, that holds `size` bytes: then a file needs one index. */
export function chunkBits(size: number): number {
  return 32 - Math.clz32(Math.ceil(size / blockBytes) - 1);
}

/** The kernel's new_encode_dev. @throws LayerError UNSUPPORTED_LAYER for numbers Linux has no room for */
export function encodeDevice(major: number, minor: number): number {
  if (major >= 1 << 12 || minor >= 1 << 20) {
    throw new LayerError("UNSUPPORTED_LAYER", `erofs: device number ${major}:${minor} is out of range`);
  }
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

export function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
