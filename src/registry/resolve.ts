import type { Descriptor } from "../core/descriptor.js";
import { digestOf, isDigest, verifyDigest, type Digest } from "../core/digest.js";
import { limits } from "../core/limits.js";
import { parseManifest } from "../core/manifest.js";
import { isIndex, isManifest, manifestAccept } from "../core/media-types.js";
import type { Reference } from "../core/reference.js";
import { contentLength, contentType, readCapped } from "./body.js";
import type { Connection } from "./connection.js";
import { tooLarge } from "./documents.js";
import type { HttpResponse } from "./http.js";
import { responseError } from "./response-errors.js";

/** What a reference names now, with the document's bytes where finding out already took them. */
export interface Resolved {
  readonly descriptor: Descriptor;
  readonly bytes?: Uint8Array;
}

export const acceptHeader = manifestAccept.join(", ");

// Answers to HEAD that say "not this way" rather than "not there": the registry, or a proxy before it, has no HEAD.
const headRefused = new Set([400, 405, 406, 501]);

/**
 * Asks with HEAD, which Docker Hub does not count against the pull limit. Where the answer does not hold a usable
 * descriptor, gets the document and makes one of its bytes. @throws AuthError, RegistryError, NetworkError, IntegrityError
 */
export async function resolveReference(
  connection: Connection,
  ref: Reference,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal },
): Promise<Resolved> {
  const path = `manifests/${ref.digest ?? ref.tag}`;
  const headers = { accept: acceptHeader };
  const head = await connection.request({ method: "HEAD", path, headers, signal });
  if (head.status === 200) {
    head.discard();
    const descriptor = descriptorOf(head, ref.digest);
    if (descriptor !== undefined) return { descriptor: checkSize(what, descriptor) };
  } else if (headRefused.has(head.status)) {
    head.discard();
  } else {
    throw await responseError(what, head);
  }
  const response = await connection.request({ method: "GET", path, headers, signal });
  if (response.status !== 200) throw await responseError(what, response);
  const bytes = await readCapped(what, response, limits.manifestBytes);
  const claimed = ref.digest ?? claimedDigest(response);
  if (claimed !== undefined) verifyDigest(what, bytes, claimed);
  const { mediaType } = parseManifest(what, bytes, contentType(response));
  return { descriptor: { mediaType, digest: claimed ?? digestOf(bytes), size: bytes.length }, bytes };
}

/** The descriptor in the headers of a manifest, if all three parts are there and mean something to us. */
function descriptorOf(response: HttpResponse, wanted: Digest | undefined): Descriptor | undefined {
  const digest = wanted ?? claimedDigest(response);
  const mediaType = contentType(response);
  const size = contentLength(response);
  if (digest === undefined || size === undefined || size === 0 || mediaType === undefined) return undefined;
  return isIndex(mediaType) || isManifest(mediaType) ? { mediaType, digest, size } : undefined;
}

function claimedDigest(response: HttpResponse): Digest | undefined {
  const text = response.header("docker-content-digest");
  return text !== undefined && isDigest(text) ? text : undefined;
}

function checkSize(what: string, descriptor: Descriptor): Descriptor {
  if (descriptor.size > limits.manifestBytes) throw tooLarge(what, descriptor.size, limits.manifestBytes);
  return descriptor;
}
