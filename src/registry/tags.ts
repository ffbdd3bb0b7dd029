import * as v from "valibot";
import { RegistryError } from "../core/errors.js";
import { parseUntrustedJson } from "../core/json.js";
import { limits } from "../core/limits.js";
import { isTag, repositoryOf, type Reference } from "../core/reference.js";
import { printable } from "../core/text.js";
import { readCapped } from "./body.js";
import type { Connection } from "./connection.js";
import { findEndpoints } from "./endpoints.js";
import { createFailover } from "./failover.js";
import type { HttpResponse } from "./http.js";
import type { RepositoryOptions } from "./repository.js";
import { responseError } from "./response-errors.js";
import { withRetries } from "./retry.js";

/** ECR refuses to list more at once. */
const pageSize = 1000;
/** With pages of one tag each, as a registry may choose to have them, still more than any repository has. */
const mostPages = 10_000;

const listSchema = v.object({ tags: v.nullish(v.array(v.string()), []) });

/**
 * All tags of the repository of `ref`, in the registry's order (distribution-spec "Listing Tags"). Names that no
 * reference could have are left out. @throws RegistryError NAME_UNKNOWN, PROTOCOL; AuthError; NetworkError
 */
export async function listTags(
  ref: Reference,
  options: RepositoryOptions & { readonly signal: AbortSignal },
): Promise<string[]> {
  const { network, insecure = false, signal, timing } = options;
  const what = `tags of ${repositoryOf(ref)}`;
  const failover = createFailover(() => findEndpoints(ref, { network, insecure }), options);
  const retry = { signal, onRetry: options.onRetry, baseMs: timing?.retryBaseMs };
  try {
    // All pages from one server: a mirror's next page need not be another's.
    return await failover.run("resolve", ({ connection, isLast }) => {
      const getPage = (query: string) => {
        const get = () => fetchPage(connection, { what, query, signal });
        return isLast ? withRetries(what, get, retry) : get();
      };
      return allPages(what, getPage);
    });
  } finally {
    failover.close();
  }
}

interface Page {
  readonly tags: readonly string[];
  /** Query of the next page, `?n=…&last=…`. */
  readonly next: string | undefined;
}

async function allPages(what: string, getPage: (query: string) => Promise<Page>): Promise<string[]> {
  const tags = new Set<string>();
  const asked = new Set<string>();
  for (let query: string | undefined = `?n=${pageSize}`; query !== undefined;) {
    if (asked.has(query) || asked.size === mostPages) {
      throw new RegistryError("PROTOCOL", `${what}: the list of tags has no end`);
    }
    asked.add(query);
    const page = await getPage(query);
    for (const tag of page.tags) if (isTag(tag)) tags.add(tag);
    query = page.next;
  }
  return [...tags];
}

async function fetchPage(
  connection: Connection,
  { what, query, signal }: { readonly what: string; readonly query: string; readonly signal: AbortSignal },
): Promise<Page> {
  const response = await connection.request({ method: "GET", path: `tags/list${query}`, signal });
  if (response.status !== 200) throw await responseError(what, response, "NAME_UNKNOWN");
  const next = nextQuery(response);
  const body = await readCapped(what, response, limits.manifestBytes);
  try {
    return { tags: v.parse(listSchema, parseUntrustedJson(body)).tags, next };
  } catch (error) {
    const problem = error instanceof Error ? printable(error.message) : "not a list";
    throw new RegistryError("PROTOCOL", `${what}: malformed answer: ${problem}`, { cause: error });
  }
}

/** From `Link: </v2/NAME/tags/list?n=…&last=…>; rel="next"`: the query alone, so that no registry sends us elsewhere. */
function nextQuery(response: HttpResponse): string | undefined {
  const target = /<([^<>]{1,4096})>\s*;\s*rel="?next"?/i.exec(response.header("link") ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, response.url)) return undefined;
  return new URL(target, response.url).search;
}
