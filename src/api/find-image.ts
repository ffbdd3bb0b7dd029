import { StoreError } from "../core/errors.js";
import { parseImageConfig, type ImageConfig } from "../core/image-config.js";
import { layoutReference, parseImageName } from "../core/image-name.js";
import type { RawDocument } from "../core/descriptor.js";
import { limits } from "../core/limits.js";
import { parseManifest, type Manifest } from "../core/manifest.js";
import { printable } from "../core/text.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import { otherContent } from "./other-content.js";

/** An image in the store with its documents, verified as they are read. */
export interface LocalImage {
  readonly stored: StoredImage;
  readonly manifest: RawDocument<Manifest>;
  readonly config: RawDocument<ImageConfig>;
}

/** Finds an image by reference, by `oci:` name it was pulled as, or by ID or unique start of an ID. */
export async function findStored(store: Store, image: string): Promise<readonly StoredImage[]> {
  const byName = isFullId(image) ? undefined : await findByName(store, image);
  return byName === undefined ? store.findById(image) : [byName];
}

/** @throws StoreError NOT_FOUND */
export async function requireStored(
  store: Store,
  image: string,
): Promise<readonly [StoredImage, ...StoredImage[]]> {
  const [first, ...others] = await findStored(store, image);
  if (first !== undefined) return [first, ...others];
  throw new StoreError("NOT_FOUND", `image: ${printable(image, 100)}: not in the store`, {
    hint: "`pullrun images` lists what is there, `pullrun pull` gets more",
  });
}

export async function loadImage(store: Store, stored: StoredImage): Promise<LocalImage> {
  const { name } = stored;
  const { bytes, value } = await loadManifest(store, stored);
  const other = otherContent(name, value);
  if (other !== undefined) throw other;
  const configBytes = await store.read(value.config, limits.configBytes);
  const config = parseImageConfig(name, configBytes);
  return {
    stored,
    manifest: { descriptor: stored.manifest, bytes, value },
    config: { descriptor: value.config, bytes: configBytes, value: config },
  };
}

/** Of an image or of an artifact. */
export async function loadManifest(store: Store, stored: StoredImage): Promise<RawDocument<Manifest>> {
  const { name, manifest: descriptor } = stored;
  const bytes = await store.read(descriptor, limits.manifestBytes);
  const value = parseManifest(name, bytes, descriptor.mediaType);
  if (value.kind === "manifest") return { descriptor, bytes, value };
  throw new StoreError("CORRUPT", `image: ${printable(name)}: its manifest is an index`);
}

async function findByName(store: Store, image: string): Promise<StoredImage | undefined> {
  const name = parseImageName(image);
  return store.find(name.kind === "registry" ? name.reference : layoutReference(name.directory, name.tag));
}

function isFullId(image: string): boolean {
  return /^(sha256:)?[0-9a-f]{64}$/.test(image);
}
