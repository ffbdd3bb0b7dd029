import {
  errnoOf,
  isOurs,
  NetworkError,
  type PullrunError,
  RegistryError,
  type NetworkCode,
} from "../core/errors.js";
import { printable, printableUrl } from "../core/text.js";
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
    CERT_NOT_YET_VALID: { code: "TLS", words: "certificate is not valid yet" },
    CERT_HAS_EXPIRED: { code: "TLS", words: "certificate has expired" },
    ERR_TLS_CERT_ALTNAME_INVALID: { code: "TLS", words: "certificate is for another host" },
    DEPTH_ZERO_SELF_SIGNED_CERT: { code: "TLS", words: "certificate is self-signed" },
    SELF_SIGNED_CERT_IN_CHAIN: { code: "TLS", words: "certificate authority is unknown" },
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: { code: "TLS", words: "certificate authority is unknown" },
    UNABLE_TO_GET_ISSUER_CERT: { code: "TLS", words: "certificate authority is unknown" },
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { code: "TLS", words: "certificate authority is unknown" },
  } satisfies Record<string, Kind>),
);

const unknownAuthorityCodes = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);

// What a server's TLS alerts become: it wants a certificate of ours, or another than it got.
const clientCertificateCodes = new Set([
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
  "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
  "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
  "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE",
  "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
  "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
]);

const noTlsCodes = new Set(["EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"]);

/** What is known about a request that failed. */
export interface FailureContext {
  /** Body bytes that came before; undefined when not even an answer came. */
  readonly received?: number;
  /** The proxy it went through. */
  readonly via?: URL | undefined;
}

/** What went wrong below HTTP, in one line that names host, proxy and cause. */
export function networkError(url: URL, error: unknown, seen: FailureContext = {}): PullrunError {
  const { received, via } = seen;
  const known = ownError(error);
  if (known !== undefined) return known;
  const errno = nameOf(error);
  if (errno.startsWith("HPE_")) {
    return new RegistryError("PROTOCOL", `cannot talk to ${url.host}: the answer is not HTTP (${errno})`, {
      cause: error,
    });
  }
  const { code, words } = kindOf(errno, error);
  const host = via === undefined ? url.host : `${url.host} through the proxy ${via.host}`;
  const where = received === undefined ? `cannot reach ${host}` : `download from ${url.host}`;
  const after = received === undefined ? "" : ` after ${received} bytes`;
  const message = printable(`${where}: ${words}${after} (${errno})`, 300);
  return new NetworkError(code, message, { cause: error, hint: hintFor({ code, errno, url, via }) });
}

/** True if a certificate was refused only for want of the authority behind it. */
export function isAuthorityUnknown(error: unknown): boolean {
  return unknownAuthorityCodes.has(errnoOf(error) ?? "");
}

/** No body bytes for `ms`: the connection is dead though the socket is open. */
export function stallError(url: URL, ms: number, received: number): NetworkError {
  const message = `download from ${url.host}: no data for ${ms / 1000} s after ${received} bytes`;
  return new NetworkError("TIMEOUT", message, {
    hint: "the network or the registry stalls; run the command again to resume",
  });
}

/** Bytes do come, but so few that the download would not end. */
export function slowError(
  url: URL,
  received: number,
  floor: { readonly bytes: number; readonly windowMs: number },
): NetworkError {
  const message = `download from ${url.host}: ${received} bytes in ${floor.windowMs / 1000} s (expected at least ${floor.bytes})`;
  return new NetworkError("TIMEOUT", message, {
    hint: "the network or the registry is too slow to go on; run the command again to resume, or use a mirror",
  });
}

/** True if the peer answered a TLS hello with something else: it most likely speaks plain HTTP. */
export function speaksNoTls(error: unknown): boolean {
  return error instanceof NetworkError && noTlsCodes.has(nameOf(error.info.cause));
}

/** The errno, or what OpenSSL said where Node calls all of it EPROTO: `ERR_SSL_WRONG_VERSION_NUMBER`. */
function nameOf(error: unknown): string {
  const errno = errnoOf(error) ?? "unknown error";
  const said = errno === "EPROTO" && error instanceof Error ? error.message : "";
  const reason = /SSL routines:[^:]*:([^:]+):/.exec(said)?.[1];
  return reason === undefined ? errno : `ERR_SSL_${reason.toUpperCase().replaceAll(" ", "_")}`;
}

/** Our own error, also where got has wrapped it on its way through the stream. */
function ownError(error: unknown): PullrunError | undefined {
  if (isOurs(error)) return error;
  return error instanceof Error && isOurs(error.cause) ? error.cause : undefined;
}

function kindOf(errno: string, error: unknown): Kind {
  // got's own lookup timeout has the errno of every other timeout, but no retry will help a silent name server.
  const kind = isLookupTimeout(error) ? kinds.get("EAI_AGAIN") : kinds.get(errno);
  if (kind !== undefined) return kind;
  const said = error instanceof Error ? printable(error.message, 120) : "failed";
  if (clientCertificateCodes.has(errno))
    return { code: "TLS", words: "our certificate is refused, or none was shown" };
  if (/CERT|^ERR_(TLS|SSL)|ISSUER|SIGNATURE/.test(errno)) return { code: "TLS", words: said };
  return { code: "UNREACHABLE", words: said };
}

function isLookupTimeout(error: unknown): boolean {
  return error instanceof Error && "event" in error && error.event === "lookup";
}

/** True if a connection was there, but in all the time we wait no answer to a request. */
export function isSilence(error: NetworkError): boolean {
  const { cause } = error.info;
  return cause instanceof Error && "event" in cause && cause.event === "response";
}

function hintFor(failure: {
  readonly code: NetworkCode;
  readonly errno: string;
  readonly url: URL;
  readonly via: URL | undefined;
}): string {
  const { code, errno, url, via } = failure;
  if (noTlsCodes.has(errno)) return noTlsHint(url);
  if (via !== undefined && code !== "TLS")
    return `use a mirror, another proxy than ${printableUrl(via)} (HTTPS_PROXY, HTTP_PROXY) or none (NO_PROXY=${url.hostname}), an image on disk (oci:DIR), or \`pullrun demo\` to try without a network`;
  if (code === "TLS") return tlsHint(errno, url);
  if (code === "RESET")
    return "the registry or a proxy closed the connection; run the command again to resume";
  if (code === "REFUSED" && isLoopbackHost(url.hostname))
    return `nothing listens on ${url.host}: start the registry first`;
  return "use a mirror or a proxy (HTTPS_PROXY), an image on disk (oci:DIR), or `pullrun demo` to try without a network";
}

export function clientCertificateHint(host: string): string {
  const dir = `~/.config/pullrun/certs.d/${host}`;
  return `it wants a client certificate: put client.cert and client.key in ${dir}, or name them in its hosts.toml`;
}

function noTlsHint({ host, hostname }: URL): string {
  // On this machine plain http has been tried before, unless a file says https.
  if (isLoopbackHost(hostname)) return `check the port, and the scheme where hosts.toml names ${host}`;
  return `${host} seems to speak plain http; --insecure allows that`;
}

function tlsHint(errno: string, url: URL): string {
  const dir = `~/.config/pullrun/certs.d/${url.host}`;
  if (errno === "CERT_HAS_EXPIRED" || errno === "CERT_NOT_YET_VALID")
    return `check this machine's clock; if it is right, the certificate of ${url.host} must be renewed`;
  if (errno === "ERR_TLS_CERT_ALTNAME_INVALID")
    return "name the registry as its certificate does; something in between may also have answered instead of it";
  if (clientCertificateCodes.has(errno)) return clientCertificateHint(url.host);
  return `put its certificate authority's PEM file in ${dir}/ca.crt, or name it in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS`;
}
