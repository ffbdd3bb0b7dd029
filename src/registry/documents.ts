import type { Descriptor } from "../core/descriptor.js";
import { verifyDigest } from "../core/digest.js";
import { IntegrityError, RegistryError, type RegistryCode } from "../core/errors.js";
import { contentLength, readCapped } from "./body.js";
import type { Connection } from "./connection.js";
import { responseError } from "./response-errors.js";

export interface DocumentRequest {
  /** For messages: `manifest of docker.io/library/alpine:latest`. */
  readonly what: string;
  /** Below `/v2/NAME/`. */
  readonly path: string;
  readonly accept?: string;
  /** Most bytes it may have. */
  readonly limit: number;
  /** Code of a 404. */
  readonly missing: RegistryCode;
}

/**
 * A small document whose descriptor is known: refused unless size and digest are the descriptor's, and before anything
 * is read if a size says so. @throws RegistryError BAD_MANIFEST if larger than the limit; IntegrityError
 */
export async function fetchDocument(
  connection: Connection,
  request: DocumentRequest,
  { descriptor, signal }: { readonly descriptor: Descriptor; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const { what, path, accept, limit } = request;
  const { size, digest } = descriptor;
  if (size > limit) throw tooLarge(what, size, limit);
  const headers = accept === undefined ? {} : { accept };
  const response = await connection.request({ method: "GET", path, headers, signal });
  if (response.status !== 200) throw await responseError(what, response, request.missing);
  const announced = contentLength(response) ?? size;
  if (announced !== size) {
    response.discard();
    throw wrongSize(what, announced, size);
  }
  const bytes = await readCapped(what, response, limit);
  if (bytes.length !== size) throw wrongSize(what, bytes.length, size);
  verifyDigest(what, bytes, digest);
  return bytes;
}

export function tooLarge(what: string, size: number, limit: number): RegistryError {
  return new RegistryError("BAD_MANIFEST", `${what}: ${size} bytes (expected at most ${limit})`);
}

function wrongSize(what: string, actual: number, expected: number): IntegrityError {
  return new IntegrityError("SIZE_MISMATCH", `${what}: ${actual} bytes (expected ${expected})`, {
    details: { actual, expected },
  });
}
