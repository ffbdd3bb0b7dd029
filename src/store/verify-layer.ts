import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { finishDigest, startDigest, type DiffId } from "../core/digest.js";
import { LayerError } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { createEntryTableWriter } from "./entry-table.js";
import { syncDirectory, temporaryName } from "./files.js";
import type { StorePaths } from "./layout.js";
import { createTarReader } from "./tar-reader.js";
import type { Problem } from "./verify.js";
import { hashFile, type Finding } from "./verify-blob.js";

/** What is wrong with an unpacked layer: its tar is hashed, its entry table made anew and compared, in one pass. */
export async function checkLayer(
  paths: StorePaths,
  diffId: DiffId,
): Promise<(Finding & Pick<Problem, "kind">) | undefined> {
  const what = `layer ${diffId}`;
  const table = startDigest();
  const tar = await readTar(paths, diffId, (piece) => table.update(piece));
  if (tar === undefined) return { kind: "layer", state: "missing", message: `${what}: its tar is missing` };
  if (tar !== diffId) return { kind: "layer", state: "damaged", message: `${what}: ${tar}` };
  const entries = await hashFile(path.join(paths.layer(diffId), "entries"));
  if (entries === undefined) {
    return { kind: "entries", state: "missing", message: `${what}: its entry table is missing` };
  }
  const expected = finishDigest(table);
  if (typeof entries !== "string" && entries.digest === expected) return undefined;
  const problem = typeof entries === "string" ? entries : "is not the one of its tar";
  return { kind: "entries", state: "damaged", message: `${what}: entry table ${problem}` };
}

/** Makes the entry table of a good tar anew. */
export async function rebuildEntries(paths: StorePaths, diffId: DiffId): Promise<void> {
  const directory = paths.layer(diffId);
  const temporary = temporaryName(directory);
  const pieces: Buffer[] = [];
  try {
    await using handle = await open(temporary, "wx", 0o600);
    const tar = await readTar(paths, diffId, (piece) => pieces.push(Buffer.from(piece)));
    if (tar !== diffId) throw new LayerError("BAD_TAR", `layer ${diffId}: ${tar ?? "its tar is missing"}`);
    await handle.writeFile(pieces);
    await handle.sync();
    await rename(temporary, path.join(directory, "entries"));
    await syncDirectory(directory);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Feeds `sink` with the entry table; the diffID, or what is wrong with the tar; undefined if there is none. */
async function readTar(
  paths: StorePaths,
  diffId: DiffId,
  sink: (piece: Buffer) => void,
): Promise<string | undefined> {
  const table = createEntryTableWriter(sink);
  const reader = createTarReader({
    what: `layer ${diffId}`,
    maxEntries: limits.layerEntries,
    onEntry: table.add,
  });
  let problem: LayerError | undefined;
  const guarded = (work: () => void): void => {
    try {
      if (problem === undefined) work();
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
      problem = error;
    }
  };
  const found = await hashFile(path.join(paths.layer(diffId), "tar"), (piece) =>
    guarded(() => reader.write(piece)),
  );
  guarded(() => {
    reader.end();
    table.finish();
  });
  if (found === undefined || typeof found === "string") return found;
  // The digest says it best; a tar that has it and cannot be read is one that ingest would have refused.
  if (found.digest !== diffId) return `digest of its tar is ${found.digest}, ${found.size} bytes`;
  return problem === undefined ? diffId : problem.message;
}
