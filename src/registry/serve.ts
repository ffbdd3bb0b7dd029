import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ContentSource } from "../core/content-source.js";
import { errnoOf, NetworkError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { errorReply, send, type Reply } from "./serve-reply.js";
import { answer, parseRoute } from "./serve-routes.js";
import { createTokenIssuer, type TokenAuth, type TokenIssuer } from "./serve-token.js";

/** One finished request, for a log. */
export interface RequestRecord {
  readonly method: string;
  /** Path and query as sent, printable. */
  readonly url: string;
  readonly status: number;
  /** Body bytes handed to the socket. */
  readonly bytes: number;
}

export interface HandlerOptions {
  readonly content: ContentSource;
  /** Without it everything is open to everybody who can connect. */
  readonly auth?: TokenAuth;
  onRequest?(record: RequestRecord): void;
}

export interface ServerOptions extends HandlerOptions {
  /** 127.0.0.1 by default: images may be private. */
  readonly address?: string;
  /** 0 (default): any free port. */
  readonly port?: number;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/** Serves images read-only over plain HTTP, as the OCI distribution-spec's pull half. @throws NetworkError REFUSED */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { address = "127.0.0.1", port = 0 } = options;
  const server = createServer(createRequestHandler(options));
  await listen(server, address, port);
  const bound = server.address() as AddressInfo;
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${host}:${bound.port}`,
    port: bound.port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const [why, hint] = refusals.get(errnoOf(cause) ?? "") ?? [printable(cause.message), noAddress[1]];
      const message = `serve: ${printable(address)}:${port}: cannot listen: ${why}`;
      reject(new NetworkError("REFUSED", message, { hint, cause }));
    });
    server.listen(port, address, resolve);
  });
}

type Refusal = readonly [why: string, hint: string];
const noAddress: Refusal = [
  "not an address of this machine",
  "--address takes one of those that `ip address` lists",
];
const refusals: ReadonlyMap<string, Refusal> = new Map([
  ["EADDRINUSE", ["already in use", "--port 0 takes any that is free"]],
  ["EACCES", ["permission denied", "ports below 1024 are root's: choose a higher one with --port"]],
  ["EADDRNOTAVAIL", noAddress],
  ["ENOTFOUND", noAddress],
]);

/** The registry as a handler for any `node:http` server. */
export function createRequestHandler(options: HandlerOptions): RequestListener {
  const issuer = options.auth && createTokenIssuer(options.auth);
  return (request, response) => {
    const method = request.method ?? "";
    const url = request.url ?? "/";
    void handle(request, { content: options.content, issuer })
      .catch(() => errorReply(500, "UNKNOWN", "the content could not be read"))
      .then((reply) => {
        response.setHeader("docker-distribution-api-version", "registry/2.0");
        return send(response, reply, method === "HEAD");
      })
      .then((bytes) =>
        options.onRequest?.({ method, url: printable(url), status: response.statusCode, bytes }),
      )
      // The content failed half-way: the only way left to say so is to break the connection.
      .catch(() => response.destroy());
  };
}

interface Site {
  readonly content: ContentSource;
  readonly issuer: TokenIssuer | undefined;
}

async function handle(request: IncomingMessage, { content, issuer }: Site): Promise<Reply> {
  const url = URL.parse(request.url ?? "/", "http://registry.invalid");
  if (url === null) return errorReply(400, "UNSUPPORTED", "not a URL");
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorReply(405, "UNSUPPORTED", "this registry is read-only", { allow: "GET, HEAD" });
  }
  const { authorization, range } = request.headers;
  if (issuer !== undefined && url.pathname === "/token") return issuer.issue(url.searchParams, authorization);
  const route = parseRoute(url.pathname);
  if (route === undefined) return errorReply(404, "UNSUPPORTED", "no such endpoint");
  if ("status" in route) return route;
  const repository = route.kind === "ping" ? undefined : route.repository;
  if (issuer !== undefined && !issuer.allows(authorization, repository)) {
    return issuer.challenge(`${originOf(request)}/token`, repository);
  }
  return answer(content, route, { query: url.searchParams, range });
}

/** How the client reached us, so that it can reach the token endpoint too. */
function originOf(request: IncomingMessage): string {
  const { host } = request.headers;
  if (host !== undefined && /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host)) return `http://${host}`;
  const { localAddress = "127.0.0.1", localPort } = request.socket;
  return `http://${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
}
