import type { IncomingMessage } from "node:http";
import type { LookupFunction } from "node:net";
import got, { type Request as GotStream } from "got";
import { limits, timeouts } from "../core/limits.js";
import { createAgents } from "./agents.js";
import { guardedLookup } from "./guarded-lookup.js";
import { interruption } from "../core/interruption.js";
import { networkError, type FailureContext } from "./network-errors.js";
import { proxyFor, type ProxyEnvironment } from "./proxy.js";
import { readBody, type Patience } from "./read-body.js";
import type { Trust } from "./trust.js";

export type { ProxyEnvironment } from "./proxy.js";

/** One request. Redirects are not followed, nothing is retried, no status is an error at this level. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** False accepts any certificate: only for the registry the user called insecure. */
  readonly verifyTls?: boolean;
  readonly signal: AbortSignal;
}

/** Either iterate `body` to its end (or out of it), or call `discard`; until then it holds a connection. */
export interface HttpResponse {
  readonly status: number;
  readonly url: URL;
  /** Value of a header, of several all joined with commas. */
  header(name: string): string | undefined;
  /** Bytes as on the wire, no content decoding. @throws NetworkError RESET, TIMEOUT; AbortError */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

export interface HttpClient {
  /** @throws NetworkError, RegistryError PROTOCOL, AbortError */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

export interface HttpClientOptions {
  readonly userAgent: string;
  readonly proxyEnv?: ProxyEnvironment;
  /** Certificates for a host, on top of Node's own. */
  readonly trustOf?: (url: URL) => Promise<Trust>;
  /** PEM file of authorities to turn to, with the system's, where Node's own do not know one. */
  readonly caFile?: string | undefined;
  /** Host of the registry, as in URL.hostname: of other names it is looked where they lead. See guarded-lookup.ts. */
  readonly home?: string | undefined;
  /** Instead of the system's; for tests. */
  readonly lookup?: LookupFunction | undefined;
  /** Milliseconds to wait for a connection; for a mirror that must not hold up a pull. */
  readonly connectMs?: number | undefined;
  /** What ends a download, instead of `timeouts.stall` and `limits.slowestDownload`; for tests. */
  readonly stallMs?: number;
  readonly slowest?: Patience["slowest"];
}

// Docker takes 3 downloads at once, podman 6; the layer limit is above us, this only bounds sockets per host.
const maxSockets = 8;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const agentOptions = {
    keepAlive: true,
    maxSockets,
    ...(options.proxyEnv ? { proxyEnv: options.proxyEnv } : {}),
  };
  const agents = createAgents({ ...options, agent: agentOptions });
  const { stall, ...phases } = timeouts;
  const patience: Patience = {
    stallMs: options.stallMs ?? stall,
    slowest: options.slowest ?? limits.slowestDownload,
  };
  const client = got.extend({
    headers: { "user-agent": options.userAgent, "accept-encoding": "identity" },
    timeout: { ...phases, connect: options.connectMs ?? phases.connect },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    strictContentLength: true,
  });

  const { home, lookup } = options;
  const guarded = home === undefined ? lookup : guardedLookup(home, lookup);
  function lookupFor(url: URL): LookupFunction | undefined {
    // What a proxy connects to is its own affair, and the proxy itself is the user's choice.
    if (proxyFor(url, options.proxyEnv ?? {}) !== undefined) return lookup;
    return url.hostname === home ? lookup : guarded;
  }

  async function sendOnce(request: HttpRequest): Promise<HttpResponse> {
    const dnsLookup = lookupFor(request.url);
    const stream = client.stream(request.url, {
      method: request.method,
      headers: { ...request.headers },
      signal: request.signal,
      agent: await agents.for(request.url),
      https: { rejectUnauthorized: request.verifyTls ?? true },
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(dnsLookup === undefined ? {} : { dnsLookup }),
    });
    return respond(request, stream, await headersOf(stream), patience);
  }

  return {
    async send(request) {
      try {
        return await sendOnce(request);
      } catch (error) {
        const via = proxyFor(request.url, options.proxyEnv ?? {});
        if (request.signal.aborted || !(await agents.widen(request.url, error)))
          throw translate(request, error, { via });
        return await sendOnce(request).catch((again: unknown) => {
          throw translate(request, again, { via });
        });
      }
    },
    close: () => agents.close(),
  };
}

function headersOf(stream: GotStream): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Stays attached: an error after the headers reaches the reader of the body, or nobody if it was discarded.
    stream.on("error", reject);
    stream.once("response", resolve);
  });
}

function respond(
  request: HttpRequest,
  stream: GotStream,
  message: IncomingMessage,
  patience: Patience,
): HttpResponse {
  return {
    status: message.statusCode ?? 0,
    url: request.url,
    header(name) {
      const value = message.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: translated(request, stream, patience),
    discard() {
      // Reading a short rest keeps the connection for the next request; a long one costs more than a new connection.
      const length = Number(message.headers["content-length"] ?? Number.NaN);
      if (length <= limits.errorBodyBytes || request.method === "HEAD") stream.resume();
      else stream.destroy();
    },
  };
}

async function* translated(
  request: HttpRequest,
  stream: GotStream,
  patience: Patience,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  try {
    yield* readBody(stream, { url: request.url, patience }, (count) => (received = count));
  } catch (error) {
    throw translate(request, error, { received });
  }
}

function translate(request: HttpRequest, error: unknown, seen: FailureContext): Error {
  return request.signal.aborted ? interruption(request.signal) : networkError(request.url, error, seen);
}
