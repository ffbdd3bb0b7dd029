import * as v from "valibot";
import { digestOf, isDigest, type Digest } from "./digest.js";
import { limits } from "./limits.js";
import { normalizePlatform, type Platform } from "./platform.js";

/** A content descriptor (image-spec descriptor.md). `size` is in bytes, of the blob as stored. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A JSON document with the exact bytes it came in: digests are of the bytes and nothing is ever re-encoded. */
export interface RawDocument<T> {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly value: T;
}

export const digestSchema: v.GenericSchema<unknown, Digest> = v.pipe(
  v.string(),
  v.custom<Digest>((text) => typeof text === "string" && isDigest(text), "not a sha256 digest"),
);

const platformSchema = v.pipe(
  v.object({ os: v.string(), architecture: v.string(), variant: v.nullish(v.string()) }),
  v.transform((p) => normalizePlatform(p.os, p.architecture, p.variant ?? undefined)),
);

export const annotationsSchema = v.nullish(v.record(v.string(), v.string()));

export const descriptorSchema: v.GenericSchema<unknown, Descriptor> = v.pipe(
  v.object({
    mediaType: v.pipe(v.string(), v.nonEmpty("empty media type"), v.maxLength(255)),
    digest: digestSchema,
    size: v.pipe(
      v.number(),
      v.safeInteger("size is not an integer"),
      v.minValue(0),
      v.maxValue(limits.blobBytes),
    ),
    platform: v.nullish(platformSchema),
    annotations: annotationsSchema,
    data: v.nullish(v.string()),
  }),
  v.check((d) => isTrueToData(d), "the embedded data does not have the descriptor's size and digest"),
  v.transform((d): Descriptor => ({
    mediaType: d.mediaType,
    digest: d.digest,
    size: d.size,
    ...(d.platform ? { platform: d.platform } : {}),
    ...(d.annotations ? { annotations: d.annotations } : {}),
  })),
);

/**
 * image-spec descriptor.md, "data": the content itself in base64, of which readers must check size and digest. We fetch
 * it all the same; but a document that says two things about its content is not to be trusted with either.
 */
function isTrueToData(d: {
  readonly digest: Digest;
  readonly size: number;
  readonly data?: string | null | undefined;
}): boolean {
  if (d.data === undefined || d.data === null) return true;
  const bytes = Buffer.from(d.data, "base64");
  return bytes.length === d.size && digestOf(bytes) === d.digest;
}

/** Where in a document valibot's first complaint is, and what it is: `layers.0.size: size is not an integer`. */
export function firstIssue(error: {
  readonly issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]];
}): string {
  const issue = error.issues[0];
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}
