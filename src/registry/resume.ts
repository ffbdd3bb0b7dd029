import type { Descriptor } from "../core/descriptor.js";
import { IntegrityError, NetworkError } from "../core/errors.js";
import { mayPass, pause, type RetryOptions } from "./retry.js";

export interface ResumeOptions extends RetryOptions {
  readonly descriptor: Descriptor;
  /** First byte wanted. */
  readonly offset: number;
  /** For messages and retry notices. */
  readonly what: string;
}

/** Opens the blob at an offset. The bytes may go on after the blob's end; that is checked here. */
export type OpenAt = (offset: number) => Promise<AsyncIterable<Uint8Array>>;

const attemptsWithoutProgress = 5;
// What has brought nothing for so long, or next to nothing, is only waited for again to see that it was no accident.
const timeoutsWithoutProgress = 3;
// containers/image counts a reconnect as free after as much; less would let a server feed us byte by byte for ever.
const progressBytes = 1024 * 1024;

/**
 * The bytes of a blob from `offset` to its end, over as many connections as it takes: after a reset, a stall or an
 * early end it goes on from the byte reached. Yields exactly the descriptor's count of bytes or throws.
 * @throws NetworkError once 5 attempts brought no progress, 3 if it timed out; IntegrityError SIZE_MISMATCH if there are more bytes
 */
export async function* readResuming(open: OpenAt, options: ResumeOptions): AsyncGenerator<Uint8Array> {
  const { what, descriptor } = options;
  let offset = options.offset;
  let attempt = 0;
  let milestone = offset + progressBytes;
  while (offset < descriptor.size) {
    try {
      for await (const chunk of await open(offset)) {
        const rest = descriptor.size - offset;
        if (chunk.length > rest) throw tooLong(what, descriptor.size);
        offset += chunk.length;
        yield chunk;
      }
      if (offset < descriptor.size) throw endedEarly();
    } catch (error) {
      if (offset >= milestone) attempt = 0;
      milestone = offset + progressBytes;
      attempt += 1;
      if (attempt >= attemptsFor(error) || !mayPass(error) || error instanceof IntegrityError) {
        throw located(what, error, { offset, size: descriptor.size });
      }
      await pause(what, error, { ...options, attempt });
    }
  }
}

function attemptsFor(error: unknown): number {
  const timedOut = error instanceof NetworkError && error.code === "TIMEOUT";
  return timedOut ? timeoutsWithoutProgress : attemptsWithoutProgress;
}

function endedEarly(): NetworkError {
  return new NetworkError("RESET", "the connection ended early", {
    hint: "run the command again to resume where it stopped",
  });
}

function tooLong(what: string, size: number): IntegrityError {
  return new IntegrityError("SIZE_MISMATCH", `${what}: more bytes than announced (expected ${size})`);
}

/** A network error that also tells how far the download came; any other error as it is. */
function located(
  what: string,
  error: unknown,
  at: { readonly offset: number; readonly size: number },
): unknown {
  if (!(error instanceof NetworkError)) return error;
  const message = `${what}: stopped at byte ${at.offset} of ${at.size}: ${error.message}`;
  return new NetworkError(error.code, message, { ...error.info, details: at });
}
