import { RegistryError } from "../core/errors.js";
import type { HttpResponse } from "./http.js";

/** The announced body length in bytes, or undefined if none (or nonsense) was announced. */
export function contentLength(response: HttpResponse): number | undefined {
  const text = response.header("content-length");
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The media type alone: without `; charset=…`, in lower case. */
export function contentType(response: HttpResponse): string | undefined {
  const type = response.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}

/**
 * The whole body, never holding more than `limit` bytes: an announced excess is refused before reading.
 * @throws RegistryError PROTOCOL naming `what`; NetworkError
 */
export async function readCapped(what: string, response: HttpResponse, limit: number): Promise<Uint8Array> {
  const announced = contentLength(response);
  if (announced !== undefined && announced > limit) {
    response.discard();
    throw tooBig(what, `${announced} bytes`, limit);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > limit) throw tooBig(what, `more than ${limit} bytes`, limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The first `limit` bytes of a body, for messages; what cannot be read is left out. */
export async function readPrefix(response: HttpResponse, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= limit) break;
    }
  } catch {
    // The status already says what went wrong; a body cut short only makes the message shorter.
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

function tooBig(what: string, observed: string, limit: number): RegistryError {
  return new RegistryError("PROTOCOL", `${what}: body is ${observed} (expected at most ${limit})`);
}
