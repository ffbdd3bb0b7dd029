import type { ContentSource } from "../core/content-source.js";
import { isDigest, type Digest } from "../core/digest.js";
import { isRepositoryName, isTag } from "../core/reference.js";
import { parseRange } from "./serve-range.js";
import { errorReply, jsonReply, type Reply } from "./serve-reply.js";

/** A request below `/v2/`, taken apart and validated. */
export type Route =
  | { readonly kind: "ping" }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: string }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "tags"; readonly repository: string };

/** The route of a path, the error that answers it, or undefined if it is no path of the API. */
export function parseRoute(pathname: string): Route | Reply | undefined {
  if (pathname === "/v2/" || pathname === "/v2") return { kind: "ping" };
  const [, repository, kind, last = ""] =
    /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(pathname) ?? [];
  if (repository === undefined || (kind === "tags" && last !== "list")) return undefined;
  if (!isRepositoryName(repository)) return errorReply(400, "NAME_INVALID", "invalid repository name");
  if (kind === "tags") return { kind, repository };
  if (isDigest(last)) {
    return kind === "blobs"
      ? { kind: "blob", repository, digest: last }
      : { kind: "manifest", repository, reference: last };
  }
  if (kind === "blobs" || last.includes(":")) return errorReply(400, "DIGEST_INVALID", "not a sha256 digest");
  return isTag(last)
    ? { kind: "manifest", repository, reference: last }
    : errorReply(404, "MANIFEST_UNKNOWN", "not a tag");
}

export interface RouteRequest {
  readonly query: URLSearchParams;
  readonly range: string | undefined;
}

export async function answer(content: ContentSource, route: Route, request: RouteRequest): Promise<Reply> {
  switch (route.kind) {
    case "ping":
      return jsonReply(200, {});
    case "manifest":
      return manifest(content, route.repository, route.reference);
    case "blob":
      return blob(content, route.digest, request.range);
    case "tags":
      return tagList(route.repository, await content.tags(route.repository), request.query);
  }
}

async function manifest(content: ContentSource, repository: string, reference: string): Promise<Reply> {
  const descriptor = await content.resolve(repository, reference);
  if (descriptor === undefined) return noManifest();
  const { digest, mediaType } = descriptor;
  const opened = await content.open(digest);
  if (opened === undefined) return noManifest();
  const headers = {
    "content-type": mediaType,
    "content-length": opened.size,
    "docker-content-digest": digest,
    etag: `"${digest}"`,
  };
  return { status: 200, headers, body: opened.body };
}

function noManifest(): Reply {
  return errorReply(404, "MANIFEST_UNKNOWN", "no such tag or digest in this repository");
}

async function blob(content: ContentSource, digest: Digest, rangeHeader: string | undefined): Promise<Reply> {
  const whole = await content.open(digest);
  if (whole === undefined) return errorReply(404, "BLOB_UNKNOWN", "no such blob");
  const { size } = whole;
  const headers = {
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    "accept-ranges": "bytes",
    etag: `"${digest}"`,
  };
  const range = parseRange(rangeHeader, size);
  if (range === undefined)
    return { status: 200, headers: { ...headers, "content-length": size }, body: whole.body };
  if (range === "unsatisfiable") {
    return errorReply(416, "SIZE_INVALID", "range begins after the end", {
      "content-range": `bytes */${size}`,
    });
  }
  const part = await content.open(digest, range);
  if (part === undefined) return errorReply(404, "BLOB_UNKNOWN", "no such blob");
  const { start, end } = range;
  const partial = { "content-length": end - start, "content-range": `bytes ${start}-${end - 1}/${size}` };
  return { status: 206, headers: { ...headers, ...partial }, body: part.body };
}

/** distribution-spec "Listing Tags": sorted, `n` at a time, the next page named in a Link header. */
function tagList(repository: string, tags: readonly string[], query: URLSearchParams): Reply {
  if (tags.length === 0) return errorReply(404, "NAME_UNKNOWN", "no such repository");
  const after = query.get("last") ?? "";
  const sorted = [...tags].sort().filter((tag) => tag > after);
  const count = /^\d{1,6}$/.test(query.get("n") ?? "") ? Number(query.get("n")) : sorted.length;
  const page = sorted.slice(0, count);
  const last = page.at(-1);
  const more = last !== undefined && page.length < sorted.length;
  const link = `</v2/${repository}/tags/list?n=${count}&last=${last ?? ""}>; rel="next"`;
  return jsonReply(200, { name: repository, tags: page }, more ? { link } : {});
}
