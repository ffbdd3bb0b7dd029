import type { Descriptor } from "../core/descriptor.js";
import type { Digest } from "../core/digest.js";
import { parseImageName } from "../core/image-name.js";
import { formatReference } from "../core/reference.js";
import type { ImageSource } from "../core/image-source.js";
import type { Platform } from "../core/platform.js";
import type { Context } from "./context.js";
import { fetchDocument, findManifest } from "./fetch-image.js";
import { openSource } from "./open-source.js";

export interface ManifestRequest {
  /** A reference, or `oci:DIR[:TAG]`. */
  readonly image: string;
  /** Goes through an index to this platform's manifest; without it, what the name itself stands for. */
  readonly platform?: Platform;
}

/** Exactly the bytes the descriptor's digest is of. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A manifest or index as the registry has it; nothing is stored. @throws as a pull does */
export async function fetchManifest(context: Context, request: ManifestRequest): Promise<FetchedManifest> {
  return withSource(context, request.image, async (what, source) => {
    const { signal } = context;
    const from = { what, source, signal, cached: () => Promise.resolve(undefined) };
    const top = await source.resolve(signal);
    if (request.platform === undefined) return fetchDocument(from, top);
    return (await findManifest(from, top, request.platform)).manifest;
  });
}

/** What a name stands for at its registry now, asked with HEAD. The digest is the registry's word: nothing is read. */
export async function fetchDigest(context: Context, image: string): Promise<Digest> {
  return withSource(context, image, async (_, source) => (await source.resolve(context.signal)).digest);
}

async function withSource<T>(
  context: Context,
  image: string,
  work: (what: string, source: ImageSource) => Promise<T>,
): Promise<T> {
  const name = parseImageName(image);
  const source = await openSource(context, name);
  try {
    return await work(name.kind === "layout" ? name.input : formatReference(name.reference), source);
  } finally {
    source.close();
  }
}
