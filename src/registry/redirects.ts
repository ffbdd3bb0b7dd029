import { RegistryError } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { printable, printableUrl } from "../core/text.js";
import { mayBeSentTo } from "./hosts.js";
import type { HttpClient, HttpRequest, HttpResponse } from "./http.js";

export interface FollowedRequest extends HttpRequest {
  readonly method: "GET" | "HEAD";
  /** Sent only to the origin of `url`, and no more once a redirect has led away from it. */
  readonly authorization?: string | undefined;
  /** As `authorization`: headers the user has configured for this one server. */
  readonly privateHeaders?: Readonly<Record<string, string>>;
}

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a request and follows up to 10 redirects (layers usually live on a CDN). Credentials stay with their origin;
 * https never becomes http; a public registry cannot aim us at this machine or its network.
 * @throws RegistryError REDIRECT_REFUSED; NetworkError
 */
export async function follow(client: HttpClient, request: FollowedRequest): Promise<HttpResponse> {
  const { authorization, privateHeaders, verifyTls, ...plain } = request;
  const own = { ...privateHeaders, ...(authorization === undefined ? {} : { authorization }) };
  let atHome = true;
  let url = request.url;
  for (let hop = 0; hop <= limits.redirects; hop++) {
    atHome &&= url.origin === request.url.origin;
    const headers = { ...plain.headers, ...(atHome ? own : {}) };
    const response = await client.send({
      ...plain,
      url,
      headers,
      verifyTls: atHome ? (verifyTls ?? true) : true,
    });
    if (!redirectStatuses.has(response.status)) return response;
    response.discard();
    url = nextHop(url, request.url, response.header("location"));
  }
  throw refused(request.url, `more than ${limits.redirects} redirects`);
}

function nextHop(from: URL, registry: URL, location: string | undefined): URL {
  if (location === undefined) throw refused(from, "redirect without a location");
  if (!URL.canParse(location, from.href))
    throw refused(from, `redirect to ${printable(location, 80)}, which is no URL`);
  const to = new URL(location, from.href);
  const shown = printableUrl(to);
  if (to.protocol !== "https:" && to.protocol !== "http:")
    throw refused(from, `redirect to ${shown}, which is not http`);
  if (from.protocol === "https:" && to.protocol === "http:")
    throw refused(from, `redirect from https down to ${shown}`);
  if (!mayBeSentTo(to, registry)) throw refused(from, `redirect into the local network, to ${shown}`);
  // User info would be sent as credentials that belong to nobody here.
  to.username = "";
  to.password = "";
  return to;
}

function refused(url: URL, problem: string): RegistryError {
  return new RegistryError("REDIRECT_REFUSED", `request to ${printableUrl(url)}: ${problem}`, {
    hint: "the registry, or something in between, answers in a way that is not safe to follow",
  });
}
