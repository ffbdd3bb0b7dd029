import type { Exchange, OnExchange } from "../core/events.js";
import { printableUrl } from "../core/text.js";
import type { HttpClient, HttpRequest } from "./http.js";

/** The same client, which tells of each request it made. */
export function observed(
  client: HttpClient,
  kind: Exchange["kind"],
  onExchange: OnExchange | undefined,
): HttpClient {
  if (onExchange === undefined) return client;
  return {
    async send(request) {
      const began = performance.now();
      try {
        const response = await client.send(request);
        onExchange(exchangeOf(request, { kind, status: response.status, began }));
        return response;
      } catch (error) {
        onExchange(exchangeOf(request, { kind, status: 0, began }));
        throw error;
      }
    },
    close: () => client.close(),
  };
}

function exchangeOf(
  { method, url }: HttpRequest,
  { began, ...seen }: Pick<Exchange, "kind" | "status"> & { readonly began: number },
): Exchange {
  return { ...seen, method, url: printableUrl(url), ms: performance.now() - began };
}

/** What a path below `/v2/NAME/` asks for. */
export function kindOf(path: string): Exchange["kind"] {
  if (path.startsWith("manifests/")) return "manifest";
  return path.startsWith("blobs/") ? "blob" : "other";
}
