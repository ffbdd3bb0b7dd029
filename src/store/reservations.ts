import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { digestSchema } from "../core/descriptor.js";
import type { DiffId, Digest } from "../core/digest.js";
import { errnoOf } from "../core/errors.js";
import type { Helper } from "../helper/helper.js";
import { randomBytes } from "../helper/random.js";
import { temporaryPrefix, withStoreErrors } from "./files.js";
import { addAll, type Content } from "./image-content.js";
import type { StorePaths } from "./layout.js";
import { isLocked, withLock } from "./lock.js";

/**
 * `ingest/pull-ID`: what a running pull needs and index.json does not name yet. The pull holds a kernel lock on its
 * file, so one that nobody holds is a dead pull's. Files are made, locked and judged under the store's lock only:
 * whoever deletes under that lock sees every pull there is.
 */
const prefix = "pull-";
const agedMs = 60_000;

export interface ReservationContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
  readonly signal?: AbortSignal | undefined;
}

export interface Reservation {
  /** Safe to call twice. */
  release(): Promise<void>;
}

const schema = v.object({
  blobs: v.array(digestSchema),
  diffIds: v.array(digestSchema),
  chainIds: v.array(digestSchema),
});

/** Keeps everybody from deleting `content`, whether it is there already or not. */
export async function reserve(context: ReservationContext, content: Content): Promise<Reservation> {
  const { paths, helper, signal } = context;
  const file = path.join(paths.ingests, `${prefix}${randomBytes(8).toString("hex")}`);
  const held = await withStoreErrors("store", paths.root, () =>
    withLock({ helper, file: paths.lock }, { signal }, async () => {
      await sweepReservations(context, agedMs);
      // Neither renamed nor flushed: nobody reads it without this lock, and after a power cut it is a dead pull's.
      await writeFile(file, encode(content), { mode: 0o600, flag: "wx" });
      return helper.lock(file, signal);
    }),
  );
  return {
    async release() {
      await rm(file, { force: true });
      await held.release();
    },
  };
}

/** Adds what running pulls need. To be called under the store's lock. */
export async function addReserved(context: ReservationContext, content: Content): Promise<void> {
  for (const file of await reservationFiles(context.paths)) {
    if (!(await isLocked(context.helper, file))) continue;
    // Gone: its pull has just ended, and committed what it needed or does not need it any more.
    const text = await readFile(file, "utf8").catch(ifAbsent);
    if (text !== undefined) addAll(content, decode(text));
  }
}

/**
 * Deletes what dead pulls left of this, if it is as old as that (milliseconds). To be called under the store's lock.
 * To ask whether one is held takes a process: of twenty pulls that start together each would ask about all others.
 */
export async function sweepReservations({ paths, helper }: ReservationContext, olderMs = 0): Promise<void> {
  for (const file of await reservationFiles(paths)) {
    const found = await stat(file).catch(ifAbsent);
    if (found === undefined || Date.now() - found.mtimeMs < olderMs) continue;
    if (!(await isLocked(helper, file))) await rm(file, { force: true });
  }
  // Reservations are the only files written in there, and only by who holds the store's lock: us.
  for (const file of await filesNamed(paths, temporaryPrefix)) await rm(file, { force: true });
}

function reservationFiles(paths: StorePaths): Promise<string[]> {
  return filesNamed(paths, prefix);
}

async function filesNamed({ ingests }: StorePaths, start: string): Promise<string[]> {
  const names = await readdir(ingests);
  return names.filter((name) => name.startsWith(start)).map((name) => path.join(ingests, name));
}

function encode({ blobs, diffIds, chainIds }: Content): Buffer {
  return Buffer.from(JSON.stringify({ blobs: [...blobs], diffIds: [...diffIds], chainIds: [...chainIds] }));
}

function decode(text: string): Content {
  const { blobs, diffIds, chainIds } = v.parse(schema, JSON.parse(text));
  return {
    blobs: new Set<Digest>(blobs),
    diffIds: new Set(diffIds as DiffId[]),
    chainIds: new Set<Digest>(chainIds),
  };
}

function ifAbsent(error: unknown): undefined {
  if (errnoOf(error) === "ENOENT") return undefined;
  throw error;
}
