import { RegistryError } from "../core/errors.js";
import { formatReference, type Reference } from "../core/reference.js";
import { printable } from "../core/text.js";
import { hostsFiles, type CertsDirs } from "./certs-dir.js";
import { apiHost } from "./hosts.js";
import { readHostsFile, type HostEntry, type HostsFile } from "./hosts-toml.js";
import { findRoute, type Location } from "./registries-conf.js";
import { noTrust, type Trust } from "./trust.js";

/** The machine's configuration of registries: paths, each of which may not be there. */
export interface NetworkFiles {
  readonly certsDirs: CertsDirs;
  /** `registries.conf` and its drop-ins; what a later one says about a prefix replaces what an earlier one says. */
  readonly registriesConf: readonly string[];
  /** PEM file of more certificate authorities (SSL_CERT_FILE). */
  readonly caFile?: string;
}

export const noNetworkFiles: NetworkFiles = { certsDirs: [], registriesConf: [] };

/** One server that may have the image: the registry itself, or a mirror of it. */
export interface Endpoint {
  /** Host and port: the name credentials are kept under. A mirror is never shown another's. */
  readonly registry: string;
  readonly repository: string;
  /** API root, ends in a slash; undefined: https or http has to be found out. */
  readonly root: URL | undefined;
  readonly insecure: boolean;
  readonly verifyTls: boolean;
  readonly capabilities: { readonly resolve: boolean; readonly pull: boolean };
  readonly trust: Trust;
  readonly headers: Readonly<Record<string, string>>;
  /** Added to every URL: `ns`, which tells a mirror of several registries which one is meant. */
  readonly query: Readonly<Record<string, string>>;
  readonly connectMs?: number;
}

export interface EndpointOptions {
  readonly network: NetworkFiles;
  /** What the user said about the registry on the command line. Mirrors have their own configuration. */
  readonly insecure: boolean;
}

const anything = { resolve: true, pull: true } as const;

/**
 * Where to ask for an image, in order; the registry itself comes last. `registries.conf` names mirrors and may move the
 * registry; `hosts.toml` of the registry that is left adds its own. @throws UsageError BAD_CONFIG; RegistryError BLOCKED
 */
export async function findEndpoints(ref: Reference, options: EndpointOptions): Promise<Endpoint[]> {
  const { network, insecure } = options;
  const route = await findRoute(network.registriesConf, ref);
  if (route?.blocked === true) throw blocked(ref);
  const { registry, repository } = route?.upstream ?? ref;
  const upstream = { registry, repository, insecure: insecure || (route?.upstream.insecure ?? false) };
  const file = await firstHostsFile(network.certsDirs, registry);
  return [
    ...(route?.mirrors ?? []).map(plainEndpoint),
    ...(file?.hosts ?? []).map((entry) => entryEndpoint(entry, upstream)),
    file?.server === undefined ? plainEndpoint(upstream) : entryEndpoint(file.server, upstream),
  ];
}

/** The registry itself, for what mirrors have no part in: logging in. @throws UsageError BAD_CONFIG */
export async function findRegistry(registry: string, options: EndpointOptions): Promise<Endpoint> {
  const { network, insecure } = options;
  const file = await firstHostsFile(network.certsDirs, registry);
  // A `server` elsewhere is another registry's: its credentials are not this one's.
  if (file?.server !== undefined && file.server.root.host === apiHost(registry))
    return entryEndpoint(file.server, { registry, repository: "", insecure });
  return plainEndpoint({ registry, repository: "", insecure });
}

async function firstHostsFile(dirs: CertsDirs, registry: string): Promise<HostsFile | undefined> {
  for (const file of hostsFiles(dirs, registry)) {
    const content = await readHostsFile(file);
    if (content !== undefined) return content;
  }
  return undefined;
}

/** A registry by name alone, with everything as it is by default. */
export function plainEndpoint({ registry, repository, insecure }: Location): Endpoint {
  return {
    registry,
    repository,
    root: undefined,
    insecure,
    verifyTls: !insecure,
    capabilities: anything,
    trust: noTrust,
    headers: {},
    query: {},
  };
}

function entryEndpoint(entry: HostEntry, upstream: Location): Endpoint {
  const { host } = entry.root;
  const isUpstream = host === apiHost(upstream.registry);
  return {
    ...entry,
    registry: isUpstream ? upstream.registry : host,
    repository: upstream.repository,
    insecure: isUpstream && upstream.insecure,
    verifyTls: entry.verifyTls && !(isUpstream && upstream.insecure),
    query: isUpstream ? {} : { ns: upstream.registry },
  };
}

function blocked(ref: Reference): RegistryError {
  const name = printable(formatReference(ref), 120);
  return new RegistryError("BLOCKED", `image: ${name}: blocked by this machine's configuration`, {
    hint: "registries.conf has `blocked = true` for it",
  });
}
