import {
  AbortError,
  AuthError,
  errorFromData,
  errorToData,
  isOurs,
  NetworkError,
  type PullrunError,
  RegistryError,
  UsageError,
} from "../core/errors.js";
import { openConnection, type Connection, type ConnectionOptions } from "./connection.js";
import type { Endpoint } from "./endpoints.js";

/** One server, with the connection to it. */
export interface Place {
  readonly endpoint: Endpoint;
  readonly connection: Connection;
  /** Nothing comes after it: its failures are the user's, and worth waiting for. */
  readonly isLast: boolean;
}

export interface Failover {
  /**
   * Tries the servers that may do this, in order, until one succeeds. `avoid` holds servers to leave out as long as
   * there is another. @throws what the last one failed with, the others' failures in its hint; AbortError
   */
  run<T>(
    need: keyof Endpoint["capabilities"],
    task: (place: Place) => Promise<T>,
    avoid?: ReadonlySet<Endpoint>,
  ): Promise<T>;
  close(): void;
}

/** `endpoints` is asked for once, when first needed. */
export function createFailover(
  endpoints: () => Promise<readonly Endpoint[]>,
  options: ConnectionOptions,
): Failover {
  const connections = new Map<Endpoint, Connection>();
  /** Servers that failed in a way that the next request would meet too. */
  const down = new Set<Endpoint>();
  let found: Promise<readonly Endpoint[]> | undefined;

  function connectionTo(endpoint: Endpoint): Connection {
    const open = connections.get(endpoint) ?? openConnection(endpoint, options);
    connections.set(endpoint, open);
    return open;
  }

  function giveUp(endpoint: Endpoint, error: PullrunError): void {
    if (!isOutOfOrder(error) || down.has(endpoint)) return;
    down.add(endpoint);
    options.onWarning?.({ code: "mirror", message: `mirror ${endpoint.registry}: ${error.message}` });
  }

  return {
    async run(need, task, avoid = new Set()) {
      const all = (await (found ??= endpoints())).filter((endpoint) => endpoint.capabilities[need]);
      const good = all.filter((endpoint) => !down.has(endpoint) && !avoid.has(endpoint));
      const usable = good.length > 0 ? good : all.slice(-1);
      const failures: string[] = [];
      for (const [i, endpoint] of usable.entries()) {
        const isLast = i === usable.length - 1;
        try {
          return await task({ endpoint, connection: connectionTo(endpoint), isLast });
        } catch (error) {
          if (!isOurs(error) || error instanceof AbortError) throw error;
          if (isLast) throw withFailures(error, failures);
          giveUp(endpoint, error);
          failures.push(`${endpoint.registry} (${error.message})`);
        }
      }
      throw new UsageError("BAD_CONFIG", `registry configuration: no server has the capability ${need}`, {
        hint: "hosts.toml takes it away from all of them",
      });
    },
    close() {
      for (const connection of connections.values()) connection.close();
    },
  };
}

/** Not for what is merely not there, or wrong this once: that says nothing about the next document. */
function isOutOfOrder(error: PullrunError): boolean {
  if (error instanceof NetworkError || error instanceof AuthError) return true;
  if (!(error instanceof RegistryError)) return false;
  return error.code === "UPSTREAM" || error.code === "RATE_LIMITED" || error.code === "PROTOCOL";
}

function withFailures(error: PullrunError, failures: readonly string[]): PullrunError {
  if (failures.length === 0) return error;
  const tried = `mirrors tried before: ${failures.join("; ")}`;
  const hint = error.hint === undefined ? tried : `${error.hint}; ${tried}`;
  return errorFromData({ ...errorToData(error), hint });
}
