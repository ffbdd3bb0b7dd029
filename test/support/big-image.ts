import { randomFillSync } from "node:crypto";
import { addImage, type MemoryContent, type TestImage } from "./registry-content.js";
import { tar } from "./tar.js";

const MB = 1_000_000;

/** Layers of one file each that no compression makes smaller, given in megabytes; stored as they are. */
export function addBigImage(
  content: MemoryContent,
  repository: string,
  megabytes: readonly number[],
): TestImage {
  const layers = megabytes.map((size, i) =>
    tar({ name: `file-${i}`, data: randomFillSync(Buffer.alloc(size * MB)) }),
  );
  return addImage(content, { repository, tag: "latest", layers, compression: "none" });
}

/** One gzip layer that is a tenth noise and otherwise zeros: small on the wire, large unpacked. */
export function addZippedImage(content: MemoryContent, repository: string, megabytes: number): TestImage {
  const data = Buffer.alloc(megabytes * MB);
  randomFillSync(data, 0, data.length / 10);
  return addImage(content, { repository, tag: "latest", layers: [tar({ name: "file", data })] });
}
