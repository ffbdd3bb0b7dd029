import type { Descriptor } from "../core/descriptor.js";
import { IntegrityError, NetworkError, RegistryError } from "../core/errors.js";
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

export interface OpenBlob {
  readonly body: AsyncIterable<Uint8Array>;
  /** Whether the server that sent this has said or shown that it can send parts. */
  readonly hasRanges: boolean;
}

/**
 * One connection's worth of a blob, from `offset` on. A registry that ignores Range sends all of it; what we have is
 * then dropped, never joined to itself. @throws RegistryError, AuthError, NetworkError; IntegrityError SIZE_MISMATCH
 */
export async function openBlob(connection: Connection, request: BlobRequest): Promise<OpenBlob> {
  const { what, descriptor, offset, signal } = request;
  const { digest, size } = descriptor;
  const headers = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const response = await connection.request({ method: "GET", path: `blobs/${digest}`, headers, signal });
  if (response.status === 206 && offset > 0) {
    checkRange(what, response, { start: offset, end: size, size });
    return { body: response.body, hasRanges: true };
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
  const hasRanges = offset === 0 && response.header("accept-ranges")?.trim().toLowerCase() === "bytes";
  return { body: skip(response.body, offset), hasRanges };
}

/**
 * Bytes `start` up to, not including, `end`: those, or an error, whatever the registry says. @throws as openBlob; also
 * RegistryError PROTOCOL for the whole blob instead of a part, NetworkError RESET for a part of another length
 */
export async function openBlobRange(
  connection: Connection,
  request: Omit<BlobRequest, "offset"> & { readonly start: number; readonly end: number },
): Promise<AsyncIterable<Uint8Array>> {
  const { what, descriptor, start, end, signal } = request;
  const headers = { range: `bytes=${start}-${end - 1}` };
  const path = `blobs/${descriptor.digest}`;
  const response = await connection.request({ method: "GET", path, headers, signal });
  if (response.status === 200) {
    response.discard();
    throw new RegistryError("PROTOCOL", `${what}: the whole of it came (expected bytes ${start}-${end - 1})`);
  }
  if (response.status !== 206) throw await responseError(what, response, "BLOB_UNKNOWN");
  checkRange(what, response, { start, end, size: descriptor.size });
  return exactly(response.body, end - start);
}

async function* exactly(body: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let count = 0;
  for await (const part of body) {
    count += part.length;
    if (count > length) break;
    yield part;
  }
  if (count === length) return;
  const observed = count > length ? "more" : String(count);
  throw new NetworkError("RESET", `a range ended after ${observed} bytes (expected ${length})`);
}

/** `Content-Range: bytes FIRST-LAST/TOTAL` must be exactly what was asked for (RFC 9110 section 14.4). */
function checkRange(
  what: string,
  response: HttpResponse,
  at: { readonly start: number; readonly end: number; readonly size: number },
): void {
  const text = response.header("content-range") ?? "none";
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(text);
  const expected = `bytes ${at.start}-${at.end - 1}/${at.size}`;
  if (match !== null) {
    const [, first, last, total] = match;
    if (total !== "*" && Number(total) !== at.size) {
      response.discard();
      throw wrongSize(what, `${total} bytes`, at.size);
    }
    if (Number(first) === at.start && Number(last) === at.end - 1) return;
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
