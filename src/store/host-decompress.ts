import { spawn, type ChildProcess } from "node:child_process";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errnoOf, LayerError } from "../core/errors.js";
import { throwIfAborted } from "../core/interruption.js";
import { printable } from "../core/text.js";
import { findProgram } from "../helper/find-program.js";
import type { HostCompression } from "./decompress.js";

/** xz refuses what takes more memory: a dictionary of 128 MiB, twice that of `xz -9`, fits. */
const programs: Record<HostCompression, { readonly args: readonly string[]; readonly debian: string }> = {
  xz: { args: ["-dc", "--memlimit-decompress=160MiB"], debian: "xz-utils" },
  bzip2: { args: ["-dc"], debian: "bzip2" },
};

/** More than a program has to say about its input. */
const maxSaid = 4096;

export interface HostInput {
  /** What users call it. */
  readonly what: string;
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Also ends the program when nobody takes its bytes any more. */
  readonly signal: AbortSignal;
}

/**
 * The plain bytes of what we leave to a program of this machine, made no faster than they are taken.
 * @throws LayerError BAD_COMPRESSION with the program's own words, or if there is no such program; AbortError; what
 * `pieces` throws
 */
export async function* decompressByHost(
  format: HostCompression,
  { what, pieces, signal }: HostInput,
): AsyncGenerator<Uint8Array> {
  throwIfAborted(signal);
  // Without our environment, in which XZ_OPT could ask for something else.
  const child = spawn(programFor(format, what), programs[format].args, {
    env: { LC_ALL: "C" },
    signal,
    killSignal: "SIGKILL",
  });
  const ended = endOf(child);
  const fed = feed(pieces, child.stdin);
  // Told below, once the program has ended for want of input.
  fed.catch(() => undefined);
  yield* child.stdout as AsyncIterable<Uint8Array>;
  const { status, said } = await ended;
  throwIfAborted(signal);
  await fed;
  if (status !== 0) throw damaged(format, what, said);
}

function programFor(format: HostCompression, what: string): string {
  const program = findProgram(format);
  if (program !== undefined) return program;
  const message = `${printable(what)}: compressed with ${format}, and there is no ${format} on this machine`;
  throw new LayerError("BAD_COMPRESSION", message, {
    hint: `install it (Debian: apt-get install ${programs[format].debian}), or decompress the archive first`,
  });
}

interface End {
  readonly status: number | null;
  /** On its standard error. */
  readonly said: string;
}

function endOf(child: ChildProcess): Promise<End> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < maxSaid) said += text;
  });
  return new Promise((resolve) => {
    // Not started, or killed by the signal.
    child.once("error", ({ message }) => resolve({ status: null, said: message }));
    child.once("close", (status) => resolve({ status, said }));
  });
}

/** A program that has seen enough closes its end; why, its status tells. */
async function feed(pieces: AsyncIterable<Uint8Array>, to: Writable): Promise<void> {
  await pipeline(pieces, to).catch((error: unknown) => {
    if (!["EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE"].includes(errnoOf(error) ?? "")) throw error;
  });
}

function damaged(format: HostCompression, what: string, said: string): LayerError {
  const [first = "ended without a word"] = said.split("\n").filter((line) => line.trim() !== "");
  // "xz: (stdin): Unexpected end of input": the file has a name of its own.
  const words = first.replace(new RegExp(`^${format}: (?:\\(stdin\\): )?`), "");
  return new LayerError("BAD_COMPRESSION", `${printable(what)}: damaged ${format} data: ${printable(words)}`);
}
