import { NetworkError, RegistryError, UsageError } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import { readPrefix } from "./body.js";
import { apiHost, isLoopbackHost } from "./hosts.js";
import type { HttpClient, HttpResponse } from "./http.js";
import { speaksNoTls } from "./network-errors.js";

/** Where a registry's API is. */
export interface Base {
  readonly url: URL;
  /** False only where the user has called the registry insecure. */
  readonly verifyTls: boolean;
}

/**
 * https, except on this very machine, where plain http is tried first (as docker does), and where the user allows it.
 * Asks the registry (`GET /v2/`) only in those two cases. @throws NetworkError;
 * UsageError BAD_REFERENCE for a host that fits the reference grammar but no URL, such as port 70000
 */
export async function findBase(
  client: HttpClient,
  registry: string,
  options: { readonly insecure: boolean; readonly verifyTls: boolean; readonly signal: AbortSignal },
): Promise<Base> {
  const host = apiHost(registry);
  if (!URL.canParse(`https://${host}/`)) {
    throw new UsageError("BAD_REFERENCE", `registry: ${printable(registry, 80)}: not a host and port`);
  }
  const { insecure, verifyTls, signal } = options;
  const https: Base = { url: new URL(`https://${host}/`), verifyTls };
  const http: Base = { url: new URL(`http://${host}/`), verifyTls: true };
  if (isLoopbackHost(http.url.hostname)) return (await wantsTls(client, http, signal)) ? https : http;
  if (!insecure) return https;
  return (await refusesTls(client, https, signal)) ? http : https;
}

async function wantsTls(client: HttpClient, base: Base, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await ping(client, base, signal);
    if (response.status !== 400) {
      response.discard();
      return false;
    }
    // Go: "Client sent an HTTP request to an HTTPS server."; nginx: "The plain HTTP request was sent to HTTPS port".
    const said = Buffer.from(await readPrefix(response, limits.errorBodyBytes)).toString("latin1");
    return /\bHTTP request\b.*\bHTTPS (server|port)\b/i.test(said);
  } catch (error) {
    // A TLS server answers plain text with an alert, which is no HTTP, or just hangs up.
    if (error instanceof NetworkError && error.code === "RESET") return true;
    if (error instanceof RegistryError && error.code === "PROTOCOL") return true;
    throw error;
  }
}

async function refusesTls(client: HttpClient, base: Base, signal: AbortSignal): Promise<boolean> {
  try {
    (await ping(client, base, signal)).discard();
    return false;
  } catch (error) {
    if (speaksNoTls(error)) return true;
    if (error instanceof NetworkError && error.code === "REFUSED") return true;
    throw error;
  }
}

function ping(client: HttpClient, base: Base, signal: AbortSignal): Promise<HttpResponse> {
  return client.send({ method: "GET", url: new URL("/v2/", base.url), verifyTls: base.verifyTls, signal });
}
