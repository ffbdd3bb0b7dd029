import { fileTypes } from "../helper/constants.js";
import { LayerError } from "../core/errors.js";
import { encodeDirectory } from "./erofs-directory.js";
import {
  align,
  blockBytes,
  chunkBits,
  encodeChunkIndex,
  encodeDevice,
  encodeHeader,
  encodeInode,
  headerBytes,
  inodeBytes,
  type DataLayout,
  type Device,
  type InodeFields,
} from "./erofs-format.js";
import { chunkIndexAt, nidOf, planImage, type Directory, type ImagePlan, type Inode } from "./erofs-plan.js";
import type { OwnerPolicy } from "./owners.js";
import { piecesOf } from "./pieces.js";
import type { DirNode, FileNode, TreeNode } from "./tree.js";

export interface ErofsImageOptions {
  /** The tar of each layer, in the order {@link FileNode} numbers them: a tag for people, and its size in bytes. */
  readonly tars: readonly { readonly tag: string; readonly bytes: number }[];
  readonly policy: OwnerPolicy;
  /** 16 bytes; the same tree and the same uuid give the same image. */
  readonly uuid: Buffer;
}

export interface ErofsImage {
  /** Which layers' tars the image's devices are, in order: those that hold data of the tree. */
  readonly layers: readonly number[];
  readonly bytes: number;
  /** The image, in pieces. */
  pieces(): Generator<Buffer, void>;
}

/**
 * Lays out a merged tree as an EROFS image without file data, which stays in the layers' tars.
 * @throws LayerError UNSUPPORTED_LAYER for what the format cannot hold
 */
export function erofsImage(tree: DirNode, { tars, policy, uuid }: ErofsImageOptions): ErofsImage {
  const plan = planImage(tree, policy);
  const layers = usedLayers(plan);
  const devices = layers.map((layer): Device => {
    const { tag, bytes } = tars[layer] ?? { tag: "", bytes: 0 };
    return { tag, blocks: Math.floor(bytes / blockBytes) };
  });
  const deviceOf = new Map(layers.map((layer, index) => [layer, index + 1]));
  for (const inode of plan.inodes)
    checkData(inode.node, devices[(deviceOf.get(layerOf(inode.node)) ?? 0) - 1]);
  const contentAt = headerBytes(devices.length) + plan.inodeArea;
  const end = contentAt + plan.contentBlocks * blockBytes;
  const bytes = align(end, pageBytes);
  const image: Image = { plan, deviceOf, contentBlock: contentAt / blockBytes };
  return {
    layers,
    bytes,
    *pieces() {
      const [root] = plan.inodes;
      const rootNid = root === undefined ? 0 : nidOf(root);
      yield encodeHeader({ rootNid, inodes: plan.inodes.length, blocks: bytes / blockBytes, uuid }, devices);
      yield* inodePieces(image);
      yield* contentPieces(image);
      yield Buffer.alloc(bytes - end);
    },
  };
}

/** The kernel reads images by pages. */
const pageBytes = 4096;

interface Image {
  readonly plan: ImagePlan;
  readonly deviceOf: ReadonlyMap<number, number>;
  /** The first block behind the inodes. */
  readonly contentBlock: number;
}

function usedLayers({ inodes }: ImagePlan): number[] {
  return [...new Set(inodes.map(({ node }) => layerOf(node)))]
    .filter((layer) => layer >= 0)
    .sort((a, b) => a - b);
}

/** -1 for what has no data in a tar. */
function layerOf(node: TreeNode): number {
  return node.kind === "file" && node.size > 0 ? node.layer : -1;
}

/** A loop device ends with its last whole block: a tar whose last file is not padded would be cut short. */
function checkData(node: TreeNode, device: Device | undefined): void {
  if (node.kind !== "file" || node.size === 0) return;
  const end = node.offset + align(node.size, blockBytes);
  if (node.offset % blockBytes === 0 && device !== undefined && end <= device.blocks * blockBytes) return;
  throw new LayerError("UNSUPPORTED_LAYER", "erofs: a layer's tar ends without the padding of its last file");
}

function inodePieces(image: Image): Generator<Buffer, void> {
  let number = 0;
  return piecesOf({
    items: image.plan.inodes,
    end: image.plan.inodeArea,
    startOf: ({ at }) => at,
    write: (piece, inode, pieceAt) => writeInode(piece, inode, { image, pieceAt, number: ++number }),
  });
}

interface InodePlace {
  readonly image: Image;
  readonly pieceAt: number;
  readonly number: number;
}

function writeInode(piece: Buffer, inode: Inode, { image, pieceAt, number }: InodePlace): void {
  const { node, meta, xattrs, size, links } = inode;
  const at = inode.at - pieceAt;
  const layout = layoutOf(inode, image);
  const mode = (meta.mode & 0o7777) | typeBits[node.kind];
  encodeInode(piece, at, {
    // symlink(2) takes no mode: they all have this one.
    mode: node.kind === "symlink" ? typeBits.symlink | 0o777 : mode,
    uid: meta.uid,
    gid: meta.gid,
    mtime: meta.mtime,
    mtimeNs: meta.mtimeNs,
    links,
    size,
    layout,
    xattrBytes: xattrs.length,
    number,
  });
  if (xattrs.length > 0) xattrs.copy(piece, at + inodeBytes);
  if (inode.isInline && node.kind === "symlink") node.target.copy(piece, at + inodeBytes + xattrs.length);
  if (layout.kind === "chunk") {
    const { layer, offset } = node as FileNode;
    const device = image.deviceOf.get(layer) ?? 0;
    encodeChunkIndex(piece, chunkIndexAt(inode) - pieceAt, { device, block: offset / blockBytes });
  }
}

const typeBits: Readonly<Record<TreeNode["kind"], number>> = {
  file: fileTypes.S_IFREG,
  dir: fileTypes.S_IFDIR,
  symlink: fileTypes.S_IFLNK,
  char: fileTypes.S_IFCHR,
  block: fileTypes.S_IFBLK,
  fifo: fileTypes.S_IFIFO,
  whiteout: fileTypes.S_IFCHR,
};

function layoutOf(inode: Inode, image: Image): InodeFields["layout"] {
  const { node, size } = inode;
  const here: DataLayout = { kind: "plain", block: image.contentBlock + inode.block };
  switch (node.kind) {
    case "file":
      return size === 0 ? { kind: "plain", block: 0 } : { kind: "chunk", blockBits: chunkBits(size) };
    case "dir":
      return here;
    case "symlink":
      return inode.isInline ? { kind: "inline" } : here;
    case "whiteout":
      throw new Error("a merged tree holds no whiteouts");
    default:
      return { kind: "device", rdev: encodeDevice(node.major, node.minor) };
  }
}

/** EROFS_FT_* of erofs_fs.h. */
const direntTypes: Readonly<Record<TreeNode["kind"], number>> = {
  file: 1,
  dir: 2,
  char: 3,
  block: 4,
  fifo: 5,
  symlink: 7,
  whiteout: 3,
};

type Content = Directory | Inode;

function contentPieces({ plan }: Image): Generator<Buffer, void> {
  const inodeOf = (item: Content): Inode => ("inode" in item ? item.inode : item);
  const startOf = (item: Content): number => inodeOf(item).block * blockBytes;
  const items = [...plan.directories, ...plan.longLinks].sort((a, b) => startOf(a) - startOf(b));
  return piecesOf<Content>({
    items,
    end: plan.contentBlocks * blockBytes,
    startOf,
    write(piece, item, pieceAt) {
      const at = startOf(item) - pieceAt;
      if ("inode" in item) encodeDirectory(piece, at, direntsOf(item));
      else if (item.node.kind === "symlink") item.node.target.copy(piece, at);
    },
  });
}

function direntsOf({ names, children }: Directory) {
  return names.map((name, index) => {
    const child = children[index] as Inode;
    return { name, nid: nidOf(child), type: direntTypes[child.node.kind] };
  });
}
