import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { addImage, type BlobMap } from "../../fixtures/image.js";
import type { FixtureSet } from "../../fixtures/layout.js";
import type { Descriptor } from "../../src/core/descriptor.js";
import { parseDigest } from "../../src/core/digest.js";

/** An image in memory: what its name leads to, and all the blobs there are of it. */
export interface LocalImage {
  readonly descriptor: Descriptor;
  readonly blobs: ReadonlyMap<Descriptor["digest"], Uint8Array>;
}

/** Genuine images beside the repository; absent on most machines. */
const shared = fileURLToPath(new URL("../../../shared/images", import.meta.url));
const alpineTar = join(shared, "alpine-minirootfs-3.20.3-x86_64.tar.gz");

/** The directory of a genuine OCI layout with one image tagged `latest`, or undefined. */
export function sharedLayout(name: "hello-world" | "busybox"): string | undefined {
  const dir = join(shared, name);
  return existsSync(join(dir, "index.json")) ? dir : undefined;
}

/** The first image of an OCI layout. Its index may name manifests that are not there. */
export function readLayout(dir: string): LocalImage {
  const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as {
    manifests: readonly Descriptor[];
  };
  const [descriptor] = index.manifests;
  if (descriptor === undefined) throw new Error(`${dir}: empty index`);
  const blobDir = join(dir, "blobs/sha256");
  const blobs: BlobMap = new Map();
  for (const hex of readdirSync(blobDir))
    blobs.set(parseDigest(`sha256:${hex}`), readFileSync(join(blobDir, hex)));
  return { descriptor, blobs };
}

/** `library/alpine:3.20` for linux/amd64, made of Alpine's own root filesystem archive, or undefined without it. */
export function alpineImage(): FixtureSet | undefined {
  if (!existsSync(alpineTar)) return undefined;
  const blobs: BlobMap = new Map();
  const descriptor = addImage(blobs, {
    platform: { os: "linux", architecture: "amd64" },
    layers: [
      {
        createdBy: "ADD alpine-minirootfs-3.20.3-x86_64.tar.gz /",
        content: gunzipSync(readFileSync(alpineTar)),
      },
    ],
    process: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Cmd: ["/bin/sh"],
      WorkingDir: "/",
    },
  });
  return { images: [{ name: "library/alpine:3.20", descriptor, manifests: [descriptor] }], blobs };
}
