import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { badConfig, readNamed } from "./config-file.js";

/** What TLS with one host needs beyond Node's own certificate authorities. All are PEM texts. */
export interface Trust {
  readonly ca: readonly string[];
  /** Our own certificates, each with its key, for registries that ask for one. */
  readonly client: readonly { readonly cert: string; readonly key: string }[];
}

export const noTrust: Trust = { ca: [], client: [] };

export function joinTrust(a: Trust, b: Trust): Trust {
  return { ca: [...a.ca, ...b.ca], client: [...a.client, ...b.client] };
}

/**
 * Node's bundled authorities (with NODE_EXTRA_CA_CERTS) are always trusted, `trust` comes on top.
 * @throws UsageError BAD_CONFIG naming `where` if a text is no certificate or no key
 */
export function secureContextOf(where: string, trust: Trust): SecureContext {
  try {
    return createSecureContext({
      ca: [...getCACertificates("default"), ...trust.ca],
      cert: trust.client.map(({ cert }) => cert),
      key: trust.client.map(({ key }) => key),
    });
  } catch {
    // OpenSSL's message tells nothing that helps and may name key material.
    throw badConfig(
      `certificates for ${where}`,
      "a file is not a PEM certificate or key, or does not fit the other",
    );
  }
}

/**
 * The authorities this machine trusts: SSL_CERT_FILE where the caller has it, and the system's own store. Takes about
 * 100 ms, so only for a host whose authority is not among Node's. @throws UsageError BAD_CONFIG
 */
export async function systemAuthorities(file: string | undefined): Promise<string[]> {
  const named = file === undefined ? [] : [await readNamed(file)];
  return [...named, ...getCACertificates("system")];
}
