import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import got, { type Request as GotStream } from "got";
import { limits, timeouts } from "../core/limits.js";
import { interruption, networkError, stallError } from "./network-errors.js";

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

/** The variables of the usual names, upper or lower case; used by Node's agent (Node >= 22.21). */
export type ProxyEnvironment = Readonly<
  Partial<
    Record<"HTTP_PROXY" | "HTTPS_PROXY" | "NO_PROXY" | "http_proxy" | "https_proxy" | "no_proxy", string>
  >
>;

export interface HttpClientOptions {
  readonly userAgent: string;
  readonly proxyEnv?: ProxyEnvironment;
  /** Milliseconds without a byte of body that end a download; for tests. */
  readonly stallMs?: number;
}

// Docker takes 3 downloads at once, podman 6; the layer limit is above us, this only bounds sockets per host.
const maxSockets = 8;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const agentOptions = {
    keepAlive: true,
    maxSockets,
    ...(options.proxyEnv ? { proxyEnv: options.proxyEnv } : {}),
  };
  const agent = { http: new HttpAgent(agentOptions), https: new HttpsAgent(agentOptions) };
  const { stall, ...phases } = timeouts;
  const client = got.extend({
    agent,
    headers: { "user-agent": options.userAgent, "accept-encoding": "identity" },
    timeout: phases,
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    strictContentLength: true,
  });
  return {
    async send(request) {
      const stream = client.stream(request.url, {
        method: request.method,
        headers: { ...request.headers },
        signal: request.signal,
        https: { rejectUnauthorized: request.verifyTls ?? true },
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      return respond(request, stream, await headersOf(request, stream), options.stallMs ?? stall);
    },
    close() {
      agent.http.destroy();
      agent.https.destroy();
    },
  };
}

function headersOf(request: HttpRequest, stream: GotStream): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Stays attached: an error after the headers reaches the reader of the body, or nobody if it was discarded.
    stream.on("error", (error) => reject(translate(request, error)));
    stream.once("response", resolve);
  });
}

function respond(
  request: HttpRequest,
  stream: GotStream,
  message: IncomingMessage,
  stallMs: number,
): HttpResponse {
  return {
    status: message.statusCode ?? 0,
    url: request.url,
    header(name) {
      const value = message.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: readBody(request, stream, stallMs),
    discard() {
      // Reading a short rest keeps the connection for the next request; a long one costs more than a new connection.
      const length = Number(message.headers["content-length"] ?? Number.NaN);
      if (length <= limits.errorBodyBytes || request.method === "HEAD") stream.resume();
      else stream.destroy();
    },
  };
}

async function* readBody(
  request: HttpRequest,
  stream: GotStream,
  stallMs: number,
): AsyncGenerator<Uint8Array> {
  let waiting = true;
  let received = 0;
  // Only our own waiting counts: a slow disk downstream is no stall of the network.
  const timer = setTimeout(
    () => waiting && stream.destroy(stallError(request.url, stallMs, received)),
    stallMs,
  );
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      waiting = false;
      received += chunk.length;
      yield chunk;
      waiting = true;
      timer.refresh();
    }
  } catch (error) {
    throw translate(request, error, received);
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

function translate(request: HttpRequest, error: unknown, received?: number): Error {
  return request.signal.aborted ? interruption(request.signal) : networkError(request.url, error, received);
}
