import * as v from "valibot";
import { AuthError, RegistryError } from "../core/errors.js";
import { parseUntrustedJson } from "../core/json.js";
import { limits } from "../core/limits.js";
import { printable, printableUrl } from "../core/text.js";
import type { Credentials } from "./auth-file.js";
import { readCapped } from "./body.js";
import { loginCommand, mayBeSentTo } from "./hosts.js";
import type { HttpClient, HttpResponse } from "./http.js";
import { follow } from "./redirects.js";
import { responseError } from "./response-errors.js";

/** What a Bearer challenge asks for: a token from `realm` for `scope` at `service`. */
export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  /** Scopes with spaces between them; empty: only to learn whether the credentials are good. */
  readonly scope: string;
}

export interface Token {
  readonly value: string;
  /** Milliseconds since 1970 by our own clock. */
  readonly expiresAt: number;
}

// The token spec's default life, and the shortest we believe in: some servers say 0 and mean "soon".
const shortestLifeSeconds = 60;
// How OAuth2 token servers know us in their logs.
const clientId = "pullrun";

const answerSchema = v.object({
  token: v.nullish(v.string()),
  access_token: v.nullish(v.string()),
  expires_in: v.nullish(v.number()),
});

/** Where a challenge sends us for a token, if it is safe to show credentials there. @throws RegistryError REDIRECT_REFUSED */
export function checkRealm(realm: string | undefined, registry: URL): URL {
  const problem =
    realm === undefined || !URL.canParse(realm) ? "not a URL" : realmProblem(new URL(realm), registry);
  if (realm !== undefined && problem === undefined) return new URL(realm);
  const shown =
    realm === undefined ? "none" : URL.canParse(realm) ? printableUrl(new URL(realm)) : printable(realm, 80);
  throw new RegistryError(
    "REDIRECT_REFUSED",
    `token server of ${registry.host}: ${shown}: ${problem ?? "missing"}`,
    {
      hint: "no credentials were sent; the registry, or something in between, is misconfigured",
    },
  );
}

function realmProblem(realm: URL, registry: URL): string | undefined {
  if (realm.protocol !== "https:" && realm.protocol !== "http:") return "not http";
  if (realm.protocol === "http:" && registry.protocol === "https:") return "plain http (expected https)";
  if (!mayBeSentTo(realm, registry)) return "in the local network";
  if (realm.username !== "" || realm.password !== "") return "holds user info";
  return undefined;
}

/** Gets a token (distribution-spec token flow). @throws AuthError UNAUTHORIZED, DENIED; RegistryError; NetworkError */
export async function fetchToken(
  client: HttpClient,
  request: TokenRequest,
  options: {
    /** Whose token it is, for what to do about a refusal. */
    readonly registry: string;
    readonly credentials: Credentials | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Token> {
  const { registry, credentials, signal } = options;
  const what = `token from ${request.realm.host}`;
  const response =
    (credentials?.kind === "identity-token"
      ? await post(client, request, { credentials, signal })
      : undefined) ?? (await get(client, request, options));
  if (response.status === 401) {
    response.discard();
    throw refused(what, registry, credentials);
  }
  if (response.status !== 200) throw await responseError(what, response, "PROTOCOL");
  return parseToken(what, await readCapped(what, response, limits.tokenBytes));
}

function refused(what: string, registry: string, credentials: Credentials | undefined): AuthError {
  const observed = credentials === undefined ? "none without a login" : "credentials refused";
  const login = loginCommand(registry);
  return new AuthError("UNAUTHORIZED", `${what}: ${observed} (401)`, {
    hint:
      credentials === undefined
        ? `log in with ${login}`
        : `they came from ${credentials.source}; log in again: ${login}`,
    details: { status: 401 },
  });
}

async function get(
  client: HttpClient,
  { realm, service, scope }: TokenRequest,
  { credentials, signal }: { readonly credentials: Credentials | undefined; readonly signal: AbortSignal },
): Promise<HttpResponse> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const part of scope.split(" ").filter((text) => text !== "")) url.searchParams.append("scope", part);
  if (credentials?.kind === "password") url.searchParams.set("account", credentials.username);
  return follow(client, {
    method: "GET",
    url,
    authorization: credentials && basicAuthorization(credentials),
    signal,
  });
}

/** OAuth2 refresh; undefined where the server knows only the GET form. */
async function post(
  client: HttpClient,
  { realm, service, scope }: TokenRequest,
  {
    credentials,
    signal,
  }: { readonly credentials: Credentials & { kind: "identity-token" }; readonly signal: AbortSignal },
): Promise<HttpResponse | undefined> {
  const form = { grant_type: "refresh_token", refresh_token: credentials.token, client_id: clientId, scope };
  const response = await client.send({
    method: "POST",
    url: realm,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(service === undefined ? form : { ...form, service }).toString(),
    signal,
  });
  if (response.status !== 404 && response.status !== 405) return response;
  response.discard();
  return undefined;
}

/** Basic authorization (RFC 7617). An identity token goes under docker's stand-in user name. */
export function basicAuthorization(credentials: Credentials): string {
  const pair =
    credentials.kind === "password"
      ? `${credentials.username}:${credentials.password}`
      : `<token>:${credentials.token}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function parseToken(what: string, bytes: Uint8Array): Token {
  const answer = v.safeParse(answerSchema, parseJson(bytes));
  const value = answer.success ? (answer.output.token ?? answer.output.access_token) : undefined;
  // Visible ASCII only: it goes into a header as it is.
  if (!answer.success || value === null || value === undefined || !/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryError(
      "PROTOCOL",
      `${what}: no token in the answer (expected JSON with token or access_token)`,
    );
  }
  const life = Math.max(shortestLifeSeconds, answer.output.expires_in ?? shortestLifeSeconds);
  return { value, expiresAt: Date.now() + life * 1000 };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseUntrustedJson(bytes);
  } catch {
    return undefined;
  }
}
