import { diskFullHint, noRoomHint } from "../core/errno-hints.js";
import { LaunchError } from "../core/errors.js";
import { cloneFlags } from "../helper/constants.js";
import {
  dirRecord,
  fileRecord,
  linkRecord,
  nodeRecord,
  rootRecord,
  symlinkRecord,
  upRecord,
} from "../helper/entry-stream.js";
import type { Helper } from "../helper/helper.js";
import type { Plan, Step } from "../helper/plan.js";
import type { Privilege } from "../helper/privilege.js";
import { userNamespace } from "../helper/probe.js";
import { printable } from "../core/text.js";
import { makeDirectories } from "./files.js";
import type { OwnerPolicy } from "./owners.js";
import type { DirNode, LeafNode, TreeNode } from "./tree.js";

export interface MaterialiseOptions {
  /** Directory to fill; made, and must be new or empty. */
  readonly target: string;
  /** The tar of each layer, in the order {@link FileNode} numbers them. */
  readonly tars: readonly string[];
  readonly privilege: Privilege;
  readonly policy: OwnerPolicy;
  readonly helper: Helper;
  /** In the store: return only once all of it survives a power cut. */
  readonly durable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Creates a tree on disk. The helper does it, inside the target and inside the user namespace the privilege asks for. */
export async function materialise(tree: DirNode, options: MaterialiseOptions): Promise<void> {
  const { target, tars, privilege, policy, helper, durable = false, signal } = options;
  await makeDirectories(target, 0o700);
  const plan: Plan = [
    cloneStep(privilege),
    { kind: "root-dir", path: target },
    { kind: "create-entries", fd: 0, tars },
    ...(durable ? [{ kind: "sync" } as const] : []),
    { kind: "exit", code: 0 },
  ];
  const input = entryStream(tree, policy);
  await helper.run(plan, { input, ...(signal === undefined ? {} : { signal }) }).catch((error: unknown) => {
    throw withSpaceHint(error, durable ? diskFullHint : noRoomHint);
  });
}

const attributesHint =
  "a file's extended attributes may be too large for this file system: ext4 has room for some 4 KiB, xfs and btrfs for more";

/** ENOSPC has two meanings: the disk is full, or the attributes do not fit one block (setxattr(2), ext4). */
function withSpaceHint(error: unknown, fullHint: string): unknown {
  if (!(error instanceof LaunchError) || error.info.details?.["errno"] !== "ENOSPC") return error;
  const hint = error.message.startsWith("cannot set metadata") ? attributesHint : fullHint;
  return new LaunchError(error.code, error.message, { ...error.info, hint, cause: error });
}

/** The clone step that makes us root over our own files: with a user namespace where we need one. */
export function cloneStep(privilege: Privilege): Step {
  const namespace = userNamespace(privilege);
  const flags = namespace.flags === 0 ? 0 : namespace.flags | cloneFlags.CLONE_NEWNS;
  return { kind: "clone", ...namespace, flags, cgroupProcs: [] };
}

/** Records go to the helper in pieces of about this size: one pipe write each instead of one per file. */
const pieceBytes = 128 * 1024;

/** The `create-entries` stream of a tree, in pieces. */
export async function* entryStream(tree: DirNode, policy: OwnerPolicy): AsyncGenerator<Buffer, void> {
  let records: Buffer[] = [];
  let bytes = 0;
  for (const record of entryRecords(tree, policy)) {
    records.push(record);
    bytes += record.length;
    if (bytes < pieceBytes) continue;
    yield Buffer.concat(records);
    records = [];
    bytes = 0;
  }
  yield Buffer.concat(records);
}

interface Frame {
  /** Path of the directory from the root, with a slash at its end; "" for the root. */
  readonly path: string;
  readonly rest: Iterator<[string, TreeNode]>;
}

/** Depth first, with a stack of its own: a nested generator would pay its depth for every record. */
function* entryRecords(tree: DirNode, policy: OwnerPolicy): Generator<Buffer, void> {
  const written = new Map<LeafNode, string>();
  const stack: Frame[] = [{ path: "", rest: tree.children.entries() }];
  yield rootRecord(policy.metaOf(tree, () => "/"));
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const next = frame.rest.next();
    if (next.done === true) {
      stack.pop();
      yield upRecord();
      continue;
    }
    const [name, node] = next.value;
    if (!policy.includes(node)) continue;
    const path = frame.path + name;
    if (node.kind === "dir") {
      yield dirRecord(
        bytesOf(name),
        policy.metaOf(node, () => shown(path)),
      );
      stack.push({ path: `${path}/`, rest: node.children.entries() });
      continue;
    }
    yield leafRecord(node, { name, path, policy, written });
    if (node.names > 1 && !written.has(node)) written.set(node, path);
  }
}

interface LeafPlace {
  readonly name: string;
  readonly path: string;
  readonly policy: OwnerPolicy;
  /** First path of every inode that may have several. */
  readonly written: ReadonlyMap<LeafNode, string>;
}

function leafRecord(node: LeafNode, { name, path, policy, written }: LeafPlace): Buffer {
  const first = written.get(node);
  if (first !== undefined) return linkRecord(bytesOf(name), bytesOf(first));
  const meta = policy.metaOf(node, () => shown(path));
  switch (node.kind) {
    case "file":
      return fileRecord(bytesOf(name), meta, { tar: node.layer, offset: node.offset, size: node.size });
    case "symlink":
      return symlinkRecord(bytesOf(name), meta, node.target);
    case "whiteout":
      return nodeRecord(bytesOf(name), meta, { major: 0, minor: 0 });
    default:
      return nodeRecord(bytesOf(name), meta, { major: node.major, minor: node.minor });
  }
}

function bytesOf(name: string): Buffer {
  return Buffer.from(name, "latin1");
}

function shown(path: string): string {
  return printable(bytesOf(`/${path}`).toString("utf8"));
}
