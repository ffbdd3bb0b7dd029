import type { TarEntry } from "../fixtures/tar.js";
import { createRandom, type Random } from "./random.js";

/** How much of what an image of the benchmark holds. */
export interface TreeSize {
  readonly layers: number;
  /** Small text files, over all layers: what package trees are made of. */
  readonly textFiles: number;
  /** Half-compressible files of 20 to 400 kB: programs and libraries. */
  readonly binaries: number;
  /** Bytes of one file that does not compress, in the middle layer. */
  readonly incompressible: number;
}

const MiB = 1024 * 1024;

export const treeSizes = {
  /** About 1 GB and 80,000 entries in 5 layers: the image the store's targets are set on. */
  large: { layers: 5, textFiles: 68_000, binaries: 3600, incompressible: 150 * MiB },
  small: { layers: 2, textFiles: 500, binaries: 20, incompressible: 0 },
  many: { layers: 60, textFiles: 6000, binaries: 120, incompressible: 0 },
  huge: { layers: 1, textFiles: 10, binaries: 0, incompressible: 500 * MiB },
} as const satisfies Record<string, TreeSize>;

export type TreeName = keyof typeof treeSizes;

const words =
  "the of layer store tree from which digest every name when path under kernel mount file into".split(" ");

/** The entries of one layer. Later layers replace and delete some of what earlier ones brought. */
export function layerEntries(size: TreeSize, layer: number): TarEntry[] {
  const random = createRandom(1000 + layer);
  const texts = Math.floor(size.textFiles / size.layers);
  const binaries = Math.floor(size.binaries / size.layers);
  const base = `usr/share/l${layer}`;
  const entries: TarEntry[] = layer === 0 ? baseEntries() : [];
  entries.push({ type: "directory", path: base });
  for (let i = 0; i < texts; i++) {
    const directory = `${base}/d${Math.floor(i / 25)}`;
    if (i % 25 === 0) entries.push({ type: "directory", path: directory });
    entries.push({ type: "file", path: `${directory}/f${i}.txt`, data: text(random) });
    if (i % 25 === 7) entries.push({ type: "symlink", path: `${directory}/latest`, to: `f${i}.txt` });
    if (i % 100 === 9)
      entries.push({ type: "hardlink", path: `${directory}/again`, to: `${directory}/f${i}.txt` });
  }
  for (let i = 0; i < binaries; i++) {
    entries.push({ type: "file", path: `${base}/lib${i}.so`, mode: 0o755, data: binary(random) });
  }
  if (layer > 0) entries.push(...changes(layer));
  if (layer === Math.floor(size.layers / 2) && size.incompressible > 0) {
    entries.push({ type: "file", path: `${base}/model.bin`, data: random.bytes(size.incompressible) });
  }
  return entries;
}

function baseEntries(): TarEntry[] {
  return ["etc", "tmp", "usr", "usr/share"].map((path) => ({ type: "directory", path }));
}

/** Whiteouts of one directory and one file of the layer below. */
function changes(layer: number): TarEntry[] {
  const below = `usr/share/l${layer - 1}`;
  return [
    { type: "file", path: `${below}/.wh.d0`, data: "" },
    { type: "file", path: `${below}/d1/.wh.latest`, data: "" },
  ];
}

/** 0.2 to 8 kB, most of them short. */
function text(random: Random): string {
  const length = 30 + Math.floor(random.below(1200) / (1 + random.below(6)));
  return Array.from({ length }, () => random.pick(words)).join(" ");
}

function binary(random: Random): Buffer {
  const half = 10_000 + random.below(190_000);
  return Buffer.concat([random.bytes(half), Buffer.alloc(half, random.below(256))]);
}
