import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { badValue } from "./bad-value.js";

/** What the container is called, and whom it can reach. */
export interface NetworkOptions {
  readonly network: NetworkMode;
  readonly hostname?: string;
  readonly domainname?: string;
  /** As docker writes them: `[[ip:][hostPort]:]containerPort[/tcp|udp]`, ports or ranges. */
  readonly publish?: readonly string[];
  /** Every port that the image or `expose` names, each at a free port of the host. */
  readonly publishAll?: boolean;
  readonly expose?: readonly string[];
  /** Name servers, in place of the host's. */
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOptions?: readonly string[];
  /** `NAME:IP` or `NAME:host-gateway`, for /etc/hosts. */
  readonly addHosts?: readonly string[];
  /** IPv4 address on the bridge. */
  readonly ip?: string;
  readonly macAddress?: string;
  /** Further names for other containers' /etc/hosts. */
  readonly networkAliases?: readonly string[];
}

/** `default`: the best of bridge, pasta and slirp4netns that works here, else none. */
export type NetworkMode =
  | "default"
  | "none"
  | "host"
  | "bridge"
  | "pasta"
  | "slirp4netns"
  /** The network of another container. */
  | `container:${string}`
  /** A network namespace at an absolute path. */
  | `ns:/${string}`;

/** Whether the container has a network namespace of its own. */
export function hasOwnNetwork(mode: NetworkMode): boolean {
  return mode !== "host" && joinedContainer(mode) === undefined && joinedNamespace(mode) === undefined;
}

/** The name or id of the container whose network is shared. */
export function joinedContainer(mode: NetworkMode): string | undefined {
  return mode.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

/** The path of the network namespace to enter. */
export function joinedNamespace(mode: NetworkMode): string | undefined {
  return mode.startsWith("ns:") ? mode.slice("ns:".length) : undefined;
}

/** Whether more is to be done than to have, or share, a namespace: most runs do not load what does that. */
export function needsNetwork(options: NetworkOptions): boolean {
  const { network, domainname, publishAll } = options;
  return (
    (network !== "none" && network !== "host") ||
    domainname !== undefined ||
    publishAll === true ||
    hasDetails(options)
  );
}

function hasDetails(options: NetworkOptions): boolean {
  const { publish = [], expose = [], dns = [], dnsSearch = [], dnsOptions = [], addHosts = [] } = options;
  const lists = [publish, expose, dns, dnsSearch, dnsOptions, addHosts, options.networkAliases ?? []];
  return (
    lists.some((list) => list.length > 0) || options.ip !== undefined || options.macAddress !== undefined
  );
}

/** Linux HOST_NAME_MAX. */
const hostnamePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,63})$/;
const modePattern = /^(?:default|none|host|bridge|pasta|slirp4netns|container:.+|ns:\/[^\0]*)$/;

/** The rest is looked at by network/details.ts, which a run that uses none of it does not load. @throws UsageError */
export function checkNetworkOptions(options: NetworkOptions): void {
  const { network, hostname, domainname } = options;
  if (!modePattern.test(network)) {
    throw badValue(
      "--network",
      printable(network, 80),
      "none, host, bridge, pasta, slirp4netns, container:NAME or ns:PATH",
    );
  }
  for (const [flag, name] of [
    ["--hostname", hostname],
    ["--domainname", domainname],
  ] as const) {
    if (name !== undefined && !hostnamePattern.test(name))
      throw badValue(flag, printable(name, 80), "letters, digits, dots and dashes, at most 64");
  }
  checkConflicts(options);
}

/** Docker's: what another network decides cannot be decided here. */
function checkConflicts(options: NetworkOptions): void {
  const { network, hostname, publish = [], publishAll, addHosts = [], dns = [], ip, macAddress } = options;
  const published = publish.length > 0 || publishAll === true;
  if (joinedContainer(network) !== undefined) {
    refuse(network, {
      "--hostname": hostname !== undefined,
      "--publish": published,
      "--add-host": addHosts.length > 0,
      "--dns": dns.length > 0,
      "--mac-address": macAddress !== undefined,
    });
  }
  if (joinedNamespace(network) !== undefined) refuse(network, { "--publish": published });
  if (network !== "default" && network !== "bridge")
    refuse(network, { "--ip": ip !== undefined, "--mac-address": macAddress !== undefined });
}

function refuse(network: NetworkMode, given: Readonly<Record<string, boolean>>): void {
  const flag = Object.keys(given).find((name) => given[name] === true);
  if (flag === undefined) return;
  throw new UsageError("BAD_FLAG", `${flag}: conflicts with --network ${printable(network, 80)}`, {
    hint: `leave out ${flag}, or use another network`,
  });
}
