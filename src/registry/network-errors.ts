import {
  AbortError,
  errnoOf,
  NetworkError,
  PullrunError,
  RegistryError,
  type NetworkCode,
} from "../core/errors.js";
import { printable } from "../core/text.js";
import { isLoopbackHost } from "./hosts.js";

interface Kind {
  readonly code: NetworkCode;
  readonly words: string;
}

// What Node calls it -> what it is. Anything else is told by its own name.
const kinds: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    ENOTFOUND: { code: "DNS", words: "name not found" },
    EAI_AGAIN: { code: "DNS", words: "name lookup failed" },
    EAI_FAIL: { code: "DNS", words: "name lookup failed" },
    EAI_NODATA: { code: "DNS", words: "name has no address" },
    EAI_NONAME: { code: "DNS", words: "name not found" },
    ECONNREFUSED: { code: "REFUSED", words: "connection refused" },
    ECONNRESET: { code: "RESET", words: "connection reset" },
    ECONNABORTED: { code: "RESET", words: "connection aborted" },
    EPIPE: { code: "RESET", words: "connection closed" },
    ERR_STREAM_PREMATURE_CLOSE: { code: "RESET", words: "connection closed early" },
    ERR_HTTP_CONTENT_LENGTH_MISMATCH: { code: "RESET", words: "fewer or more bytes than announced" },
    ETIMEDOUT: { code: "TIMEOUT", words: "no answer in time" },
    ENETUNREACH: { code: "UNREACHABLE", words: "network unreachable" },
    EHOSTUNREACH: { code: "UNREACHABLE", words: "no route to host" },
    ERR_PROXY_TUNNEL: { code: "UNREACHABLE", words: "the proxy does not let us through" },
    ENETDOWN: { code: "UNREACHABLE", words: "network is down" },
    EADDRNOTAVAIL: { code: "UNREACHABLE", words: "no usable address" },
    EACCES: { code: "UNREACHABLE", words: "connection not permitted" },
    EPERM: { code: "UNREACHABLE", words: "connection not permitted" },
    EPROTO: { code: "TLS", words: "no TLS there" },
    ERR_SSL_WRONG_VERSION_NUMBER: { code: "TLS", words: "no TLS there" },
    ERR_SSL_PACKET_LENGTH_TOO_LONG: { code: "TLS", words: "no TLS there" },
    CERT_HAS_EXPIRED: { code: "TLS", words: "certificate has expired" },
    ERR_TLS_CERT_ALTNAME_INVALID: { code: "TLS", words: "certificate is for another host" },
    DEPTH_ZERO_SELF_SIGNED_CERT: { code: "TLS", words: "certificate is self-signed" },
    SELF_SIGNED_CERT_IN_CHAIN: { code: "TLS", words: "certificate authority is unknown" },
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: { code: "TLS", words: "certificate authority is unknown" },
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { code: "TLS", words: "certificate authority is unknown" },
  } satisfies Record<string, Kind>),
);

const noTlsCodes = new Set(["EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"]);

/**
 * What went wrong below HTTP, in one line that names host and cause. `received` is the count of body bytes that came
 * before, undefined when not even an answer came.
 */
export function networkError(url: URL, error: unknown, received?: number): PullrunError {
  const known = ownError(error);
  if (known !== undefined) return known;
  const errno = errnoOf(error) ?? "unknown error";
  if (errno.startsWith("HPE_")) {
    return new RegistryError("PROTOCOL", `cannot talk to ${url.host}: the answer is not HTTP (${errno})`, {
      cause: error,
    });
  }
  const { code, words } = kindOf(errno, error);
  const where = received === undefined ? `cannot reach ${url.host}` : `download from ${url.host}`;
  const after = received === undefined ? "" : ` after ${received} bytes`;
  const message = printable(`${where}: ${words}${after} (${errno})`, 300);
  return new NetworkError(code, message, { cause: error, hint: hintFor(code, errno, url) });
}

/** No body bytes for `ms`: the connection is dead though the socket is open. */
export function stallError(url: URL, ms: number, received: number): NetworkError {
  const message = `download from ${url.host}: no data for ${ms / 1000} s after ${received} bytes`;
  return new NetworkError("TIMEOUT", message, {
    hint: "the network or the registry stalls; run the command again to resume",
  });
}

/** The error an aborted signal stands for: its own reason if that is one of ours. */
export function interruption(signal: AbortSignal): PullrunError {
  const reason: unknown = signal.reason;
  return isOurs(reason) ? reason : new AbortError("INTERRUPTED", "interrupted", { cause: reason });
}

/** True if the peer answered a TLS hello with something else: it most likely speaks plain HTTP. */
export function speaksNoTls(error: unknown): boolean {
  return error instanceof NetworkError && noTlsCodes.has(errnoOf(error.info.cause) ?? "");
}

/** Our own error, also where got has wrapped it on its way through the stream. */
function ownError(error: unknown): PullrunError | undefined {
  if (isOurs(error)) return error;
  return error instanceof Error && isOurs(error.cause) ? error.cause : undefined;
}

function isOurs(error: unknown): error is PullrunError {
  return error instanceof PullrunError;
}

function kindOf(errno: string, error: unknown): Kind {
  // got's own lookup timeout has the errno of every other timeout, but no retry will help a silent name server.
  const kind = isLookupTimeout(error) ? kinds.get("EAI_AGAIN") : kinds.get(errno);
  if (kind !== undefined) return kind;
  const said = error instanceof Error ? printable(error.message, 120) : "failed";
  if (/CERT|^ERR_(TLS|SSL)|ISSUER|SIGNATURE/.test(errno)) return { code: "TLS", words: said };
  return { code: "UNREACHABLE", words: said };
}

function isLookupTimeout(error: unknown): boolean {
  return error instanceof Error && "event" in error && error.event === "lookup";
}

function hintFor(code: NetworkCode, errno: string, url: URL): string {
  if (noTlsCodes.has(errno)) return `${url.host} seems to speak plain http; --insecure allows that`;
  if (errno.startsWith("ERR_PROXY")) return "check HTTPS_PROXY and NO_PROXY, and what the proxy allows";
  if (code === "TLS")
    return "name your own certificate authority's file in NODE_EXTRA_CA_CERTS, or check the clock";
  if (code === "RESET")
    return "the registry or a proxy closed the connection; run the command again to resume";
  if (code === "REFUSED" && isLoopbackHost(url.hostname))
    return `nothing listens on ${url.host}: start the registry first`;
  return "use a mirror or a proxy (HTTPS_PROXY), an image on disk (oci:DIR), or `pullrun demo` to try without a network";
}
