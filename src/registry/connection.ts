import type { Reference } from "../core/reference.js";
import { createAuthorizer } from "./auth.js";
import type { CredentialLookup } from "./credentials.js";
import { createHttpClient, type HttpResponse, type ProxyEnvironment } from "./http.js";
import { follow } from "./redirects.js";
import type { RetryNotice } from "./retry.js";
import { findBase, type Base } from "./scheme.js";

export interface ConnectionOptions {
  readonly credentials: CredentialLookup;
  readonly userAgent: string;
  /** Allow plain http and unknown certificates at this registry. */
  readonly insecure?: boolean;
  readonly proxyEnv?: ProxyEnvironment;
  /** Ends everything, also what is shared between requests. */
  readonly signal?: AbortSignal;
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Milliseconds: first pause before a retry (1000), and how long a download may give no byte (30 000). */
  readonly timing?: { readonly retryBaseMs?: number; readonly stallMs?: number };
}

export interface RepositoryRequest {
  readonly method: "GET" | "HEAD";
  /** Below `/v2/NAME/`: `manifests/latest`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** One repository of one registry: finds its scheme, logs in when asked to, follows redirects. */
export interface Connection {
  /** The answer, whatever its status. @throws AuthError, NetworkError, RegistryError */
  request(request: RepositoryRequest): Promise<HttpResponse>;
  close(): void;
}

/** Token, then a token for the wider scope the registry names; a third demand would be a loop. */
const maxDemands = 2;

export function openConnection(ref: Reference, options: ConnectionOptions): Connection {
  const closed = new AbortController();
  const lifetime =
    options.signal === undefined ? closed.signal : AbortSignal.any([options.signal, closed.signal]);
  const client = createHttpClient({ ...options, ...options.timing });
  const authorizer = createAuthorizer({
    client,
    registry: ref.registry,
    repository: ref.repository,
    credentials: options.credentials,
    retry: { signal: lifetime, onRetry: options.onRetry, baseMs: options.timing?.retryBaseMs },
  });
  let base: Base | undefined;

  return {
    async request({ method, path, headers = {}, signal }) {
      base ??= await findBase(client, ref.registry, { insecure: options.insecure ?? false, signal });
      const url = new URL(`/v2/${ref.repository}/${path}`, base.url);
      const request = { method, url, headers, verifyTls: base.verifyTls, signal };
      const met = new Set<string>();
      let authorization = await authorizer.current(signal);
      for (;;) {
        const response = await follow(client, { ...request, authorization });
        // A 401 from where a redirect led is not the registry's: nothing of ours is shown there.
        const asks = response.status === 401 && response.url.origin === url.origin;
        const demand = asks ? authorizer.demandOf(response) : undefined;
        if (demand === undefined || met.has(demand.key) || met.size === maxDemands) return response;
        met.add(demand.key);
        // Before anything else is sent: parallel 401s would hold every socket the token request could use.
        response.discard();
        authorization = await authorizer.meet(demand, authorization, signal);
      }
    },
    close() {
      closed.abort();
      client.close();
    },
  };
}
