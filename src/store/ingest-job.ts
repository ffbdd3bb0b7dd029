import { closeSync, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { finishDigest, startDigest, type Digest } from "../core/digest.js";
import { IntegrityError, LayerError } from "../core/errors.js";
import { createInflater, detectCompression, magicBytes, type Inflater } from "./decompress.js";
import { createEntryTableWriter } from "./entry-table.js";
import { checkPath } from "./entry-path.js";
import { storeError } from "./files.js";
import { followFile, type Follower } from "./follow.js";
import type { IngestJob, IngestResult } from "./ingest-protocol.js";
import { createTarReader } from "./tar-reader.js";
import { openAccount, type BudgetAccount } from "./unpack-budget.js";

/**
 * Follows a growing blob from its first byte and makes layer tar and entry table of it, in one pass. Resolves only
 * after size, digest and diffID hold; making both files durable is left to the caller.
 * @throws IntegrityError SIZE_MISMATCH, DIGEST_MISMATCH, DIFF_ID_MISMATCH; LayerError; AbortError; StoreError
 */
export async function runIngest(job: IngestJob): Promise<IngestResult> {
  const account = openAccount(`layer ${job.digest}`, job.budgets ?? []);
  let output: LayerOutput | undefined;
  try {
    await using handle = await open(job.data, "r");
    output = createLayerOutput(job, account);
    const blob = hashing(followFile(handle.fd, { size: job.size, progress: job.progress }));
    await inflateInto(job, blob, output);
    return output.finish();
  } catch (error) {
    account.giveBack();
    throw storeError("layer", job.output, error);
  } finally {
    output?.close();
  }
}

interface HashingFollower extends Follower {
  result(): { readonly digest: Digest; readonly bytes: number };
}

function hashing(follower: Follower): HashingFollower {
  const hash = startDigest();
  let bytes = 0;
  return {
    async next() {
      const piece = await follower.next();
      if (piece !== undefined) {
        hash.update(piece);
        bytes += piece.length;
      }
      return piece;
    },
    result: () => ({ digest: finishDigest(hash), bytes }),
  };
}

async function inflateInto(job: IngestJob, blob: HashingFollower, output: LayerOutput): Promise<void> {
  const what = `layer ${job.digest}`;
  let problem: LayerError | undefined;
  try {
    await inflateAll(what, blob, output);
  } catch (error) {
    // Damage is first traced to its cause: if the bytes are not the ones the manifest asks for, that is what to report
    // and to retry, not what they look like as a tar. Bombs, interrupts and full disks end at once.
    if (!(error instanceof LayerError) || error.code === "TOO_BIG") throw error;
    problem = error;
    while ((await blob.next()) !== undefined);
  }
  checkBlob(what, job, blob.result());
  if (problem !== undefined) throw problem;
}

async function inflateAll(what: string, blob: Follower, output: LayerOutput): Promise<void> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < magicBytes) {
    const piece = await blob.next();
    if (piece === undefined) break;
    start = Buffer.concat([start, piece]);
  }
  const inflater = createInflater(what, detectCompression(what, start), output.write);
  try {
    await feed(inflater, start, blob);
  } finally {
    inflater.destroy();
  }
}

async function feed(inflater: Inflater, start: Buffer, blob: Follower): Promise<void> {
  for (let piece: Buffer | undefined = start; piece !== undefined; piece = await blob.next())
    await inflater.write(piece);
  await inflater.end();
}

function checkBlob(what: string, job: IngestJob, actual: { digest: Digest; bytes: number }): void {
  if (actual.bytes !== job.size) {
    throw new IntegrityError("SIZE_MISMATCH", `${what}: got ${actual.bytes} bytes (expected ${job.size})`);
  }
  if (actual.digest !== job.digest) {
    throw new IntegrityError(
      "DIGEST_MISMATCH",
      `${what}: digest is ${actual.digest} (expected ${job.digest})`,
    );
  }
}

interface LayerOutput {
  write(this: void, plain: Buffer): void;
  /** Checks the diffID. */
  finish(): IngestResult;
  close(): void;
}

function createLayerOutput(job: IngestJob, account: BudgetAccount): LayerOutput {
  const what = `layer ${job.digest}`;
  const tar = openSync(path.join(job.output, "tar"), "wx", 0o600);
  const entries = openSync(path.join(job.output, "entries"), "wx", 0o600);
  const table = createEntryTableWriter((piece) => writeAll(entries, piece));
  const hash = startDigest();
  let tarBytes = 0;
  let count = 0;
  const reader = createTarReader({
    what,
    maxEntries: job.limits.entries,
    onEntry(entry) {
      // Names that no tree could hold are refused here, before anything of the layer is visible in the store.
      checkPath(what, entry.path);
      if (entry.type === "hardlink") checkPath(what, entry.link);
      table.add(entry);
      count++;
    },
  });
  return {
    write(plain) {
      tarBytes += plain.length;
      if (tarBytes > job.limits.tarBytes) {
        throw new LayerError("TOO_BIG", `${what}: unpacks to more than ${job.limits.tarBytes} bytes`);
      }
      account.spend(plain.length);
      hash.update(plain);
      writeAll(tar, plain);
      reader.write(plain);
    },
    finish() {
      reader.end();
      table.finish();
      const diffId = finishDigest(hash);
      if (diffId !== job.diffId) {
        throw new IntegrityError("DIFF_ID_MISMATCH", `${what}: diffID is ${diffId} (expected ${job.diffId})`);
      }
      return { tarBytes, entries: count };
    },
    close() {
      closeSync(tar);
      closeSync(entries);
    },
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
