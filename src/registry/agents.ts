import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type AgentOptions } from "node:https";
import { isAuthorityUnknown } from "./network-errors.js";
import { joinTrust, noTrust, secureContextOf, systemAuthorities, type Trust } from "./trust.js";

/** One for the protocol of the URL it was asked for. */
export type Agent = { readonly http: HttpAgent } | { readonly https: HttpsAgent };

/** Keeps the connections of one client: one pool for hosts that need nothing special, one for each that does. */
export interface Agents {
  /** @throws UsageError BAD_CONFIG */
  for(url: URL): Promise<Agent>;
  /**
   * True if a request to `url` that failed with `error` should be sent again: its host's authority is none of Node's, and
   * from now on it is checked against the machine's own too. @throws UsageError BAD_CONFIG
   */
  widen(url: URL, error: unknown): Promise<boolean>;
  close(): void;
}

export interface AgentsOptions {
  readonly agent: AgentOptions;
  readonly trustOf?: (url: URL) => Promise<Trust>;
  readonly caFile?: string | undefined;
}

export function createAgents(options: AgentsOptions): Agents {
  const http = new HttpAgent(options.agent);
  // TLS is the better part of what Node loads for a pull: only for hosts that have it.
  let commonHttps: HttpsAgent | undefined;
  const byHost = new Map<string, Promise<Agent>>();
  const all: { destroy(): void }[] = [http];
  const widened = new Set<string>();
  let authorities: Promise<string[]> | undefined;

  function open(agent: AgentOptions): HttpsAgent {
    const https = new HttpsAgent(agent);
    all.push(https);
    return https;
  }

  async function make(url: URL): Promise<Agent> {
    const configured = (await options.trustOf?.(url)) ?? noTrust;
    const system = widened.has(url.host) ? await (authorities ??= systemAuthorities(options.caFile)) : [];
    const trust = joinTrust(configured, { ca: system, client: [] });
    if (trust.ca.length === 0 && trust.client.length === 0)
      return { https: (commonHttps ??= open(options.agent)) };
    return { https: open({ ...options.agent, secureContext: secureContextOf(url.host, trust) }) };
  }

  return {
    for(url) {
      if (url.protocol !== "https:") return Promise.resolve({ http });
      const made = byHost.get(url.host) ?? make(url);
      byHost.set(url.host, made);
      return made;
    },
    async widen(url, error) {
      if (!isAuthorityUnknown(error) || widened.has(url.host)) return false;
      widened.add(url.host);
      byHost.set(url.host, make(url));
      await byHost.get(url.host);
      return true;
    },
    close() {
      for (const agent of all) agent.destroy();
    },
  };
}
