import { createHash, type Hash } from "node:crypto";
import { IntegrityError } from "./errors.js";
import { sha256 } from "./sha256.js";
import { printable } from "./text.js";

declare const digestBrand: unique symbol;
declare const diffIdBrand: unique symbol;

/** `sha256:` and 64 lower-case hex digits (image-spec descriptor.md, "Digests"). Only {@link parseDigest} makes one. */
export type Digest = `sha256:${string}` & { readonly [digestBrand]: true };
/** Digest of a layer's *uncompressed* tar (image-spec config.md, "rootfs.diff_ids"). */
export type DiffId = Digest & { readonly [diffIdBrand]: true };

const pattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** @throws IntegrityError BAD_DIGEST for anything else, before any path or URL is built from it. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new IntegrityError(
    "BAD_DIGEST",
    `digest: ${printable(text, 80)}: not sha256 and 64 lower-case hex digits`,
  );
}

export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** As much as is hashed without Node's crypto module: see sha256.ts. */
const smallBytes = 16 * 1024;

export function digestOf(bytes: Uint8Array): Digest {
  if (bytes.length <= smallBytes) return parseDigest(`sha256:${sha256(bytes)}`);
  return finishDigest(createHash("sha256").update(bytes));
}

export function startDigest(): Hash {
  return createHash("sha256");
}

export function finishDigest(hash: Hash): Digest {
  return parseDigest(`sha256:${hash.digest("hex")}`);
}

/** Throws DIGEST_MISMATCH naming `what` unless `bytes` hash to `expected`. */
export function verifyDigest(what: string, bytes: Uint8Array, expected: Digest): void {
  const actual = digestOf(bytes);
  if (actual !== expected) {
    throw new IntegrityError("DIGEST_MISMATCH", `${what}: digest is ${actual} (expected ${expected})`, {
      details: { actual, expected },
    });
  }
}

/**
 * Chain IDs of each layer, bottom first: `chain[0] = diffIDs[0]`, `chain[i] = sha256(chain[i-1] + " " + diffIDs[i])`
 * (image-spec config.md, "Layer ChainID").
 */
export function chainIds(diffIds: readonly DiffId[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : digestOf(Buffer.from(`${parent} ${diffId}`)));
  }
  return chain;
}
