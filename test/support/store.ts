import { buildSync } from "esbuild";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll } from "vitest";
import type { BlobSource } from "../../src/core/blobs.js";
import type { Descriptor } from "../../src/core/descriptor.js";
import { digestOf, type DiffId, type Digest } from "../../src/core/digest.js";
import { NetworkError } from "../../src/core/errors.js";
import { ociConfig, ociLayerGzip, ociManifest } from "../../src/core/media-types.js";
import { openHelper } from "../../src/helper/process.js";
import type { IngestRequest } from "../../src/store/ingest.js";
import type { StoredImage } from "../../src/store/refs.js";
import { openStore, type Store, type StoreOptions } from "../../src/store/store.js";

/** Stores in temporary directories, filled without a registry. Needs the built helper; see {@link needsHelper}. */

const helperPath = path.resolve(import.meta.dirname, "../../helper/build/pullrun-helper");

/** `""`, or the front of a skipped test's name. */
export const needsHelper = existsSync(helperPath) ? "" : "needs the helper (make -C helper): ";

const directories: string[] = [];
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "pullrun-store-"));
  directories.push(directory);
  return directory;
}

export const helper = openHelper(helperPath);

export async function openTestStore(
  root = path.join(temporaryDirectory(), "root"),
  options: Partial<StoreOptions> = {},
): Promise<Store> {
  return openStore(root, { helper, create: true, worker: workerUrl(), ...options });
}

let bundled: URL | undefined;

/** The ingest worker as the build makes it, from today's sources. */
export function workerUrl(): URL {
  if (bundled !== undefined) return bundled;
  const outfile = path.join(temporaryDirectory(), "ingest-worker.mjs");
  const entry = path.resolve(import.meta.dirname, "../../src/store/ingest-worker.ts");
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "bundle",
  });
  return (bundled = pathToFileURL(outfile));
}

export interface TestLayer {
  readonly blob: Buffer;
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
}

export function layerOf(archive: Buffer, blob: Buffer = gzipSync(archive)): TestLayer {
  const descriptor = { mediaType: ociLayerGzip, digest: digestOf(blob), size: blob.length };
  return { blob, descriptor, diffId: digestOf(archive) as DiffId };
}

/** How a source misbehaves in one `read`. */
export interface Fault {
  /** Ends, cleanly or with a NetworkError, after this many bytes of the blob. */
  readonly stopAt?: number;
  readonly reset?: boolean;
  /** Called, and awaited, before the byte at `stopAt` would be sent. */
  before?(): unknown;
  /** What to send instead of the blob. */
  readonly instead?: Buffer;
}

export interface TestSource extends BlobSource {
  /** The offset of each read so far. */
  readonly reads: number[];
}

/** Serves one blob; the n-th read has the n-th fault, later reads have none. */
export function sourceOf(
  blob: Buffer,
  faults: readonly (Fault | undefined)[] = [],
  pieceBytes = 16 * 1024,
): TestSource {
  const reads: number[] = [];
  return {
    reads,
    async read(_descriptor, { offset, signal }) {
      const fault = faults[reads.length];
      reads.push(offset);
      return send({ bytes: fault?.instead ?? blob, offset, signal, pieceBytes, fault });
    },
  };
}

interface Sending {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly signal: AbortSignal;
  readonly pieceBytes: number;
  readonly fault: Fault | undefined;
}

async function* send({ bytes, offset, signal, pieceBytes, fault }: Sending): AsyncGenerator<Uint8Array> {
  const end = fault?.stopAt ?? bytes.length;
  for (let at = offset; at < end; at += pieceBytes) {
    signal.throwIfAborted();
    // As from a socket: in memory of its own.
    yield new Uint8Array(bytes.subarray(at, Math.min(at + pieceBytes, end)));
  }
  await fault?.before?.();
  signal.throwIfAborted();
  if (fault?.reset === true) throw new NetworkError("RESET", "connection reset");
}

export interface IngestLog {
  readonly states: string[];
  bytes: number;
}

/** Ingests one layer as a pull does. */
export async function ingest(
  store: Store,
  layer: TestLayer,
  options: Partial<IngestRequest> & { readonly log?: IngestLog } = {},
): Promise<void> {
  const { log, ...request } = options;
  const session = await store.openPool(1);
  try {
    await session.ingest({
      descriptor: layer.descriptor,
      diffId: layer.diffId,
      source: sourceOf(layer.blob),
      signal: new AbortController().signal,
      onBytes: (count) => log && (log.bytes += count),
      onState: (state) => log?.states.push(state),
      ...request,
    });
  } finally {
    await session.close();
  }
}

export interface TestImage {
  readonly image: StoredImage;
  readonly config: Digest;
  readonly diffIds: readonly DiffId[];
}

/** Puts an image made of these layer tars into the store under `name`; `extra` goes into its config. */
export async function addImage(
  store: Store,
  name: string,
  archives: readonly Buffer[],
  extra: object = {},
): Promise<TestImage> {
  const layers = archives.map((archive) => layerOf(archive));
  for (const layer of layers) await ingest(store, layer);
  const diffIds = layers.map(({ diffId }) => diffId);
  const config = encode({
    os: "linux",
    architecture: "amd64",
    config: { Env: [`NAME=${name}`] },
    rootfs: { type: "layers", diff_ids: diffIds },
    ...extra,
  });
  const manifest = encode({
    schemaVersion: 2,
    mediaType: ociManifest,
    config: { mediaType: ociConfig, digest: digestOf(config), size: config.length },
    layers: layers.map(({ descriptor }) => descriptor),
  });
  await store.put(digestOf(config), config);
  await store.put(digestOf(manifest), manifest);
  const descriptor = { mediaType: ociManifest, digest: digestOf(manifest), size: manifest.length };
  const image = { name, manifest: descriptor, resolved: descriptor.digest, pulled: "2026-01-02T03:04:05Z" };
  await store.commit(image);
  return { image, config: digestOf(config), diffIds };
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
