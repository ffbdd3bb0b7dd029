import type { LookupFunction } from "node:net";
import type { OnExchange, WarningCode } from "../core/events.js";
import { createAuthorizer } from "./auth.js";
import { readTrust } from "./certs-dir.js";
import type { CredentialLookup } from "./credentials.js";
import type { Endpoint, NetworkFiles } from "./endpoints.js";
import { apiHost } from "./hosts.js";
import { createHttpClient, type HttpClient, type HttpResponse, type ProxyEnvironment } from "./http.js";
import { kindOf, observed } from "./observed.js";
import { quotaWarning } from "./quota.js";
import type { Patience } from "./read-body.js";
import { follow } from "./redirects.js";
import type { RetryNotice } from "./retry.js";
import { findBase, type Base } from "./scheme.js";
import { joinTrust, type Trust } from "./trust.js";

/** Something the user should know though the work goes on. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}

/** In milliseconds; for tests. */
export interface Timing {
  /** First pause before a retry (1000). */
  readonly retryBaseMs?: number;
  /** How long a download may give no byte (30 000). */
  readonly stallMs?: number;
  /** How little it may give in how much waiting (`limits.slowestDownload`). */
  readonly slowest?: Patience["slowest"];
}

export interface ConnectionOptions {
  readonly credentials: CredentialLookup;
  readonly userAgent: string;
  readonly network: NetworkFiles;
  readonly proxyEnv?: ProxyEnvironment;
  /** Ends everything, also what is shared between requests. */
  readonly signal?: AbortSignal;
  readonly onRetry?: (notice: RetryNotice) => void;
  readonly onWarning?: (warning: Warning) => void;
  readonly onExchange?: OnExchange;
  readonly timing?: Timing;
  /** Instead of the system's; for tests. */
  readonly lookup?: LookupFunction;
}

export interface RepositoryRequest {
  readonly method: "GET" | "HEAD";
  /** Below `/v2/NAME/`: `manifests/latest`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** One repository of one server: finds its scheme, logs in when asked to, follows redirects. */
export interface Connection {
  /** The answer, whatever its status. @throws AuthError, NetworkError, RegistryError; UsageError BAD_CONFIG */
  request(request: RepositoryRequest): Promise<HttpResponse>;
  close(): void;
}

/** Token, then a token for the wider scope the registry names; a third demand would be a loop. */
const maxDemands = 2;

export function openConnection(endpoint: Endpoint, options: ConnectionOptions): Connection {
  const closed = new AbortController();
  const lifetime =
    options.signal === undefined ? closed.signal : AbortSignal.any([options.signal, closed.signal]);
  const client = clientFor(endpoint, options);
  const authorizer = createAuthorizer({
    client: observed(client, "token", options.onExchange),
    registry: endpoint.registry,
    repository: endpoint.repository,
    credentials: options.credentials,
    retry: { signal: lifetime, onRetry: options.onRetry, baseMs: options.timing?.retryBaseMs },
  });
  let found: Promise<Base> | undefined;
  let hasWarned = false;

  /** Shared by requests that come in parallel; asked again after a failure. */
  async function findApi(signal: AbortSignal): Promise<Base> {
    const finding = (found ??= apiBase(observed(client, "probe", options.onExchange), endpoint, signal));
    try {
      return await finding;
    } catch (error) {
      if (found === finding) found = undefined;
      throw error;
    }
  }

  function watchQuota(response: HttpResponse): void {
    const message = hasWarned ? undefined : quotaWarning(response);
    if (message === undefined) return;
    hasWarned = true;
    options.onWarning?.({ code: "quota", message });
  }

  return {
    async request({ method, path, headers = {}, signal }) {
      const base = await findApi(signal);
      const url = requestUrl(base, endpoint, path);
      const { verifyTls } = base;
      const request = { method, url, headers, privateHeaders: endpoint.headers, verifyTls, signal };
      const asking = observed(client, kindOf(path), options.onExchange);
      const met = new Set<string>();
      let authorization = await authorizer.current(signal);
      for (;;) {
        const response = await follow(asking, { ...request, authorization });
        watchQuota(response);
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

function clientFor(endpoint: Endpoint, options: ConnectionOptions): HttpClient {
  const { network } = options;
  async function trustOf(url: URL): Promise<Trust> {
    const configured = await readTrust(network.certsDirs, url.host);
    return url.host === endpoint.root?.host ? joinTrust(endpoint.trust, configured) : configured;
  }
  return createHttpClient({
    ...options,
    ...options.timing,
    home: homeOf(endpoint),
    trustOf,
    caFile: network.caFile,
    connectMs: endpoint.connectMs,
  });
}

function homeOf({ root, registry }: Endpoint): string | undefined {
  const url = root ?? URL.parse(`https://${apiHost(registry)}/`);
  // One that is no URL is never connected to: see findBase.
  return url?.hostname;
}

async function apiBase(client: HttpClient, endpoint: Endpoint, signal: AbortSignal): Promise<Base> {
  const { root, registry, insecure, verifyTls } = endpoint;
  if (root !== undefined) return { url: root, verifyTls };
  const found = await findBase(client, registry, { insecure, verifyTls, signal });
  return { ...found, url: new URL("/v2/", found.url) };
}

function requestUrl(base: Base, { repository, query }: Endpoint, path: string): URL {
  const url = new URL(repository === "" ? path : `${repository}/${path}`, base.url);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}
