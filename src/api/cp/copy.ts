import path from "node:path";
import { StoreError, UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { TreeEntry } from "../../helper/tree-records.js";
import type { Context } from "../context.js";
import { findSide, followLink, lookAt, nothingThere, type Place, type Side } from "./side.js";

export type { Place };

export interface CopyRequest {
  readonly from: Place;
  readonly to: Place;
  /** Keep owners; else files belong to the container's root, or on this machine to us. */
  readonly archive: boolean;
  /** Of a link copy what it leads to. */
  readonly follow: boolean;
}

/**
 * Copies a file or directory into or out of a container, running or not, by docker's rules for what ends up where.
 * @throws StoreError NOT_FOUND; UsageError BAD_VALUE where the kinds do not go together
 */
export async function copyFiles(context: Context, request: CopyRequest): Promise<void> {
  const { signal } = context;
  const helper = await context.helper();
  const from = await findSide(context, request.from);
  const to = await findSide(context, request.to);
  const follow = request.follow || namesDirectory(request.from.path);
  const source = await lookAt(helper, from, { follow, signal });
  if (source === undefined) throw nothingThere(from);
  if (namesDirectory(request.from.path) && source.kind !== "dir") throw bad(from, "is not a directory");
  const target = await lookAt(helper, to, { follow: true, signal });
  const { directory, name } = destination({ request, from, to, source, target });
  if (target === undefined) await requireParent(context, to);
  const { uid, gid } = request.archive ? { uid: -1, gid: -1 } : to.owner;
  const reading = from.plan([
    { kind: "read-tree", path: from.path, fd: 1, options: follow ? followLink : 0 },
  ]);
  const writing = to.plan([{ kind: "write-tree", directory, name, fd: 0, uid, gid }]);
  await helper.run(reading, {
    signal,
    output: async (input) => {
      await helper.run(writing, { input, signal });
    },
  });
}

/** The helper would say so too, but of a path that nobody typed. */
async function requireParent(context: Context, to: Side): Promise<void> {
  const parent = { ...to, path: path.posix.dirname(to.path) };
  const found = await lookAt(await context.helper(), parent, { follow: true, signal: context.signal });
  if (found?.kind === "dir") return;
  throw new StoreError("NOT_FOUND", `cp: ${printable(to.shown)}: the directory to put it in does not exist`, {
    hint: "make the directory first",
  });
}

interface Found {
  readonly request: CopyRequest;
  readonly from: Side;
  readonly to: Side;
  readonly source: TreeEntry;
  readonly target: TreeEntry | undefined;
}

/** The table in docker's reference of `docker cp`. */
function destination(found: Found): { readonly directory: string; readonly name: string } {
  const { request, from, to, source, target } = found;
  if (target?.kind === "dir") {
    const name = isContents(request.from.path) ? "" : path.posix.basename(from.path);
    return { directory: to.path, name };
  }
  if (target !== undefined && source.kind === "dir") throw bad(to, "is a file and cannot become a directory");
  if (target === undefined && source.kind !== "dir" && namesDirectory(request.to.path)) {
    throw bad(to, "is no directory");
  }
  return { directory: path.posix.dirname(to.path), name: path.posix.basename(to.path) };
}

/** `x/` and `x/.` say that x is a directory. */
function namesDirectory(text: string): boolean {
  return text.endsWith("/") || isContents(text);
}

/** `x/.` and `.`: what is in it, not itself. */
function isContents(text: string): boolean {
  return path.posix.basename(text) === ".";
}

function bad({ shown }: Side, problem: string): UsageError {
  return new UsageError("BAD_VALUE", `cp: ${printable(shown)}: ${problem}`);
}
