import { badValue } from "../options/bad-value.js";
import type { NetworkMode, NetworkOptions } from "../options/network.js";

export interface ResolvConfInput {
  readonly options: Pick<NetworkOptions, "dns" | "dnsSearch" | "dnsOptions"> & {
    readonly network: NetworkMode;
  };
  /** The host's /etc/resolv.conf. */
  readonly host: string;
  /** systemd-resolved's list of the servers behind its own, "" where it does not run. */
  readonly behindResolved: string;
}

/** Where pasta and slirp4netns answer questions by asking the host's servers, at 127.0.0.53 or wherever. */
export const dnsForwarder = { pasta: "169.254.1.1", slirp4netns: "10.0.2.3" } as const;

interface Settings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Name resolution is the host's, but for its loopback servers, which a container cannot reach; and what was asked for. */
export function resolvConf(input: ResolvConfInput): string {
  const { network, dns = [], dnsSearch = [], dnsOptions = [] } = input.options;
  const asked = dns.length + dnsSearch.length + dnsOptions.length > 0;
  if (!asked && (network === "host" || network === "none")) return network === "host" ? input.host : "";
  const own = network === "none" ? noSettings : parse(input.host);
  const servers = dns.length > 0 ? dns : serversFor(network, own.servers, input.behindResolved);
  // docker: "." asks for no search list at all.
  const search = dnsSearch.length > 0 ? dnsSearch.filter((domain) => domain !== ".") : own.search;
  const options = dnsOptions.length > 0 ? dnsOptions : own.options;
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(search.length > 0 ? [`search ${search.join(" ")}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(" ")}\n`] : []),
  ].join("");
}

/** Whether names can only be resolved by a server of the host that listens on loopback. */
export function needsForwarder(host: string, behindResolved: string): boolean {
  return outside(host).length === 0 && outside(behindResolved).length === 0;
}

const noSettings: Settings = { servers: [], search: [], options: [] };

function serversFor(
  network: NetworkMode,
  host: readonly string[],
  behindResolved: string,
): readonly string[] {
  if (network === "host") return host;
  if (network === "slirp4netns") return [dnsForwarder.slirp4netns];
  const reachable = host.filter((server) => !isLoopback(server));
  const servers = reachable.length > 0 ? reachable : outside(behindResolved);
  const forwarded = network === "pasta" && servers.length === 0 && host.some(isForwarded);
  return forwarded ? [dnsForwarder.pasta] : servers;
}

function outside(text: string): string[] {
  return parse(text).servers.filter((server) => !isLoopback(server));
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::1%");
}

/** pasta of 2023 (Debian 12) asks no server at ::1; tried. */
function isForwarded(server: string): boolean {
  return server.startsWith("127.");
}

/** resolv.conf(5): the last `search` or `domain` counts, the options add up. */
function parse(text: string): Settings {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const of = (...keywords: string[]): string[][] =>
    lines.filter(([keyword = ""]) => keywords.includes(keyword)).map((words) => words.slice(1));
  return {
    servers: of("nameserver").flatMap(([server]) => (server === undefined ? [] : [server])),
    search: of("search", "domain").at(-1) ?? [],
    options: of("options").flat(),
  };
}

/** @throws UsageError BAD_VALUE */
export function checkDomain(flag: string, domain: string): void {
  if (/^[A-Za-z0-9._-]{1,253}$/.test(domain)) return;
  throw badValue(flag, JSON.stringify(domain.slice(0, 80)), "a domain");
}
