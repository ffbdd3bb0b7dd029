import type { Descriptor } from "../core/descriptor.js";
import { IntegrityError, RegistryError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { contentLength } from "./body.js";
import type { Connection } from "./connection.js";
import type { HttpResponse } from "./http.js";
import { responseError } from "./response-errors.js";

export interface BlobRequest {
  readonly what: string;
  readonly descriptor: Descriptor;
  readonly offset: number;
  readonly signal: AbortSignal;
}

/**
 * One connection's worth of a blob, from `offset` on. A registry that ignores Range sends all of it; what we have is
 * then dropped, never joined to itself. @throws RegistryError, AuthError, NetworkError; IntegrityError SIZE_MISMATCH
 */
export async function openBlob(
  connection: Connection,
  request: BlobRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const { what, descriptor, offset, signal } = request;
  const { digest, size } = descriptor;
  const headers = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const response = await connection.request({ method: "GET", path: `blobs/${digest}`, headers, signal });
  if (response.status === 206 && offset > 0) {
    checkRange(what, response, { offset, size });
    return response.body;
  }
  if (response.status === 416) {
    response.discard();
    throw wrongSize(what, `no byte ${offset}`, size);
  }
  if (response.status !== 200) throw await responseError(what, response, "BLOB_UNKNOWN");
  const announced = contentLength(response) ?? size;
  if (announced !== size) {
    response.discard();
    throw wrongSize(what, `${announced} bytes`, size);
  }
  return skip(response.body, offset);
}

/** `Content-Range: bytes FIRST-LAST/TOTAL` must be exactly what was asked for (RFC 9110 section 14.4). */
function checkRange(
  what: string,
  response: HttpResponse,
  at: { readonly offset: number; readonly size: number },
): void {
  const text = response.header("content-range") ?? "none";
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(text);
  const expected = `bytes ${at.offset}-${at.size - 1}/${at.size}`;
  if (match !== null) {
    const [, first, last, total] = match;
    if (total !== "*" && Number(total) !== at.size) {
      response.discard();
      throw wrongSize(what, `${total} bytes`, at.size);
    }
    if (Number(first) === at.offset && Number(last) === at.size - 1) return;
  }
  response.discard();
  throw new RegistryError(
    "PROTOCOL",
    `${what}: content range is ${printable(text, 80)} (expected ${expected})`,
  );
}

async function* skip(body: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of body) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}

function wrongSize(what: string, observed: string, size: number): IntegrityError {
  return new IntegrityError("SIZE_MISMATCH", `${what}: registry has ${observed} (expected ${size} bytes)`);
}
