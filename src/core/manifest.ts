import * as v from "valibot";
import { annotationsSchema, descriptorSchema, firstIssue, type Descriptor } from "./descriptor.js";
import { RegistryError } from "./errors.js";
import { parseUntrustedJson } from "./json.js";
import { limits } from "./limits.js";
import {
  isImageConfig,
  isIndex,
  isManifest,
  isSchema1,
  isTarLayer,
  ociIndex,
  ociManifest,
} from "./media-types.js";
import { printable } from "./text.js";

/** image-spec manifest.md, or docker's schema 2 ancestor of it. */
export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  /** What it is, if it is no container image. */
  readonly artifactType?: string;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec image-index.md, or docker's manifest list. */
export interface Index {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

const manifestSchema = v.object({
  config: descriptorSchema,
  layers: v.pipe(v.array(descriptorSchema), v.maxLength(limits.layers, `more than ${limits.layers} layers`)),
  artifactType: v.nullish(v.pipe(v.string(), v.maxLength(255))),
  annotations: annotationsSchema,
});

const indexSchema = v.object({
  manifests: v.pipe(
    v.array(descriptorSchema),
    v.maxLength(limits.indexEntries, `more than ${limits.indexEntries} manifests`),
  ),
});

/**
 * Parses a manifest or index, never reading one document in two ways: `mediaType` is what carried it (Content-Type
 * or descriptor), and the body must agree with it (CVE-2021-41190).
 * @throws RegistryError BAD_MANIFEST, UNSUPPORTED_MEDIA
 */
export function parseManifest(
  what: string,
  bytes: Uint8Array,
  mediaType: string | undefined,
): Manifest | Index {
  const body = parseBody(what, bytes);
  const type = settleMediaType(what, body, mediaType);
  try {
    if (isIndex(type)) return { kind: "index", mediaType: type, ...v.parse(indexSchema, body) };
    const { annotations, artifactType, ...manifest } = v.parse(manifestSchema, body);
    return {
      kind: "manifest",
      mediaType: type,
      ...manifest,
      ...(artifactType ? { artifactType } : {}),
      ...(annotations ? { annotations } : {}),
    };
  } catch (error) {
    if (error instanceof v.ValiError) throw badManifest(what, firstIssue(error), error);
    throw error;
  }
}

/** True for a container image whose layers can be unpacked; false for artifacts, and where layers are encrypted. */
export function isContainerImage({ config, layers }: Manifest): boolean {
  return isImageConfig(config.mediaType) && layers.every(({ mediaType }) => isTarLayer(mediaType));
}

function parseBody(what: string, bytes: Uint8Array): Record<string, unknown> {
  let body: unknown;
  try {
    body = parseUntrustedJson(bytes);
  } catch (error) {
    throw badManifest(what, error instanceof Error ? error.message : "not JSON", error);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw badManifest(what, "not a JSON object");
  return body as Record<string, unknown>;
}

function settleMediaType(what: string, body: Record<string, unknown>, carried: string | undefined): string {
  if (body["schemaVersion"] === 1 || (carried !== undefined && isSchema1(carried))) throw tooOld(what);
  const stated = body["mediaType"];
  if (stated !== undefined && typeof stated !== "string")
    throw badManifest(what, "mediaType is not a string");
  // A type such as text/plain says nothing about the document: then the body decides.
  const type = carried !== undefined && isDocument(carried) ? carried : stated;
  if (type !== undefined && !isDocument(type)) throw notAnImage(what, type);
  if (stated !== undefined && stated !== type) {
    throw badManifest(what, `media type is ${type ?? "none"} but the body says ${stated}`);
  }
  const looksLikeIndex = "manifests" in body;
  const looksLikeManifest = "layers" in body || "config" in body || "fsLayers" in body;
  if (looksLikeIndex && looksLikeManifest) throw badManifest(what, "is both an index and a manifest");
  if (type !== undefined) return type;
  if (looksLikeIndex) return ociIndex;
  if (looksLikeManifest) return ociManifest;
  throw badManifest(what, "neither an index nor a manifest");
}

function isDocument(mediaType: string): boolean {
  return isIndex(mediaType) || isManifest(mediaType);
}

function tooOld(what: string): RegistryError {
  return new RegistryError("UNSUPPORTED_MEDIA", `${what}: docker schema 1 manifest, too old to pull safely`, {
    hint: "push the image again with a current docker, podman or skopeo",
  });
}

function notAnImage(what: string, mediaType: string): RegistryError {
  const shown = printable(mediaType, 100);
  return new RegistryError(
    "UNSUPPORTED_MEDIA",
    `${what}: media type ${shown} is not an image manifest or index`,
  );
}

function badManifest(what: string, problem: string, cause?: unknown): RegistryError {
  return new RegistryError("BAD_MANIFEST", `${what}: malformed manifest: ${printable(problem)}`, { cause });
}
