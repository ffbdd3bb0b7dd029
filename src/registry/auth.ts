import { AuthError } from "../core/errors.js";
import { parseChallenges } from "./challenge.js";
import type { CredentialLookup } from "./credentials.js";
import { loginCommand } from "./hosts.js";
import type { HttpClient, HttpResponse } from "./http.js";
import { abortable } from "../core/interruption.js";
import { withRetries, type RetryOptions } from "./retry.js";
import { basicAuthorization, checkRealm, fetchToken, type Token, type TokenRequest } from "./token.js";

/** What a 401 asks for. Equal keys mean: the same demand as before. */
export interface Demand {
  readonly key: string;
  /** undefined: Basic. */
  readonly token: TokenRequest | undefined;
}

/** Keeps the authorization for one repository of one registry, shared by all requests to it. */
export interface Authorizer {
  /** For the next request; undefined while the registry has not asked for any. Renews a token about to expire. */
  current(signal: AbortSignal): Promise<string | undefined>;
  /** What this 401 wants, if it is something we know. @throws RegistryError REDIRECT_REFUSED */
  demandOf(response: HttpResponse): Demand | undefined;
  /**
   * Authorization that meets a demand, other than `used`, which has just been refused. Requests that come in parallel
   * share one token request. @throws AuthError, RegistryError, NetworkError
   */
  meet(demand: Demand, used: string | undefined, signal: AbortSignal): Promise<string>;
}

export interface AuthorizerOptions {
  readonly client: HttpClient;
  /** As in the reference, `docker.io` for Docker Hub: the name credentials are kept under. */
  readonly registry: string;
  /** Empty for the registry as a whole. */
  readonly repository: string;
  readonly credentials: CredentialLookup;
  /** `signal` ends with the repository, not with one request: the token is everybody's. */
  readonly retry: RetryOptions;
}

interface Held {
  readonly demand: Demand;
  readonly token: Promise<Token>;
}

// A token is renewed this long before its end, so that it outlives the request it is put on.
const marginMs = 5_000;

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  let held: Held | undefined;

  function hold(demand: Demand): Held {
    const mine: Held = { demand, token: obtain(demand, options) };
    held = mine;
    // A failed attempt is not kept: the next request may try again.
    mine.token.catch(() => {
      if (held === mine) held = undefined;
    });
    return mine;
  }

  function currentlyHeld(old: Promise<Token>): Held | undefined {
    return held?.token === old ? undefined : held;
  }

  return {
    async current(signal) {
      if (held === undefined) return undefined;
      const { demand, token } = held;
      const { value, expiresAt } = await abortable(token, signal);
      if (expiresAt - marginMs > Date.now()) return value;
      // Whoever comes first renews; the others find the renewed one held.
      const renewed = currentlyHeld(token) ?? hold(demand);
      return (await abortable(renewed.token, signal)).value;
    },
    demandOf: (response) => demandOf(response, options.repository),
    async meet(demand, used, signal) {
      while (held?.demand.key === demand.key) {
        const before = held;
        const { value } = await abortable(before.token, signal);
        if (value !== used) return value;
        if (held === before) break;
      }
      return (await abortable(hold(demand).token, signal)).value;
    },
  };
}

/** Bearer before Basic where both are offered: it shows the password only to the token server. */
function demandOf(response: HttpResponse, repository: string): Demand | undefined {
  const challenges = parseChallenges(response.header("www-authenticate"));
  const bearer = challenges.find((challenge) => challenge.scheme === "bearer");
  if (bearer === undefined) {
    return challenges.some((challenge) => challenge.scheme === "basic")
      ? { key: "basic", token: undefined }
      : undefined;
  }
  const realm = checkRealm(bearer.parameters.get("realm"), response.url);
  const service = bearer.parameters.get("service");
  const scope = bearer.parameters.get("scope") ?? (repository === "" ? "" : `repository:${repository}:pull`);
  return { key: `${realm.href} ${service ?? ""} ${scope}`, token: { realm, service, scope } };
}

/** The header value that meets a demand, as a token: Basic credentials are one that never expires. */
async function obtain(demand: Demand, options: AuthorizerOptions): Promise<Token> {
  const { client, registry, repository, retry } = options;
  const place = repository === "" ? registry : `${registry}/${repository}`;
  const credentials = await options.credentials(place, retry.signal);
  const { token } = demand;
  if (token !== undefined) {
    const fetch = (): Promise<Token> =>
      fetchToken(client, token, { registry, credentials, signal: retry.signal });
    const { value, expiresAt } = await withRetries(`token from ${token.realm.host}`, fetch, retry);
    return { value: `Bearer ${value}`, expiresAt };
  }
  if (credentials !== undefined) return { value: basicAuthorization(credentials), expiresAt: Infinity };
  throw new AuthError("UNAUTHORIZED", `login: ${registry}: needs a user name and a password (401)`, {
    hint: `log in with ${loginCommand(registry)}`,
  });
}
