import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { isRepositoryName } from "../core/reference.js";
import { errorReply, jsonReply, type Reply } from "./serve-reply.js";

/** Token authentication of the server. Without a user name tokens are free, as on Docker Hub for public images. */
export interface TokenAuth {
  readonly username?: string;
  readonly password?: string;
  /** How long a token lives (300 s). */
  readonly lifeSeconds?: number;
}

export interface TokenIssuer {
  /** Answers `GET /token?service=…&scope=repository:NAME:pull`. */
  issue(query: URLSearchParams, authorization: string | undefined): Reply;
  /** Whether the header holds a live token; for a repository, one for pulling from that repository. */
  allows(authorization: string | undefined, repository: string | undefined): boolean;
  /** The 401 that tells a client where to get a token. */
  challenge(realm: string, repository: string | undefined): Reply;
}

interface Grant {
  readonly repositories: ReadonlySet<string>;
  readonly expiresAt: number;
}

const service = "pullrun";
const defaultLifeSeconds = 300;
// More scopes than this in one request is not a pull.
const maxScopes = 20;

export function createTokenIssuer(auth: TokenAuth): TokenIssuer {
  const grants = new Map<string, Grant>();
  const lifeSeconds = auth.lifeSeconds ?? defaultLifeSeconds;

  function dropExpired(): void {
    for (const [token, { expiresAt }] of grants) if (expiresAt <= Date.now()) grants.delete(token);
  }

  return {
    issue(query, authorization) {
      if (!loginHolds(auth, authorization)) {
        const headers = { "www-authenticate": 'Basic realm="pullrun"' };
        return errorReply(401, "UNAUTHORIZED", "user name or password is wrong", headers);
      }
      dropExpired();
      const token = randomBytes(32).toString("base64url");
      const repositories = new Set(query.getAll("scope").slice(0, maxScopes).flatMap(pullScope));
      grants.set(token, { repositories, expiresAt: Date.now() + lifeSeconds * 1000 });
      return jsonReply(
        200,
        { token, access_token: token, expires_in: lifeSeconds },
        { "cache-control": "no-store" },
      );
    },

    allows(authorization, repository) {
      const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
      const grant = token === undefined ? undefined : grants.get(token);
      if (grant === undefined || grant.expiresAt <= Date.now()) return false;
      return repository === undefined || grant.repositories.has(repository);
    },

    challenge(realm, repository) {
      const scope = repository === undefined ? "" : `,scope="repository:${repository}:pull"`;
      const headers = { "www-authenticate": `Bearer realm="${realm}",service="${service}"${scope}` };
      return errorReply(401, "UNAUTHORIZED", "authentication required", headers);
    },
  };
}

/** `repository:NAME:pull[,…]`: the repositories of a scope; anything but pulling is left out. */
function pullScope(scope: string): string[] {
  return scope.split(" ").flatMap((part) => {
    const [, name = "", actions = ""] = /^repository:([^:]+):([a-z,*]+)$/.exec(part) ?? [];
    return isRepositoryName(name) && actions.split(",").includes("pull") ? [name] : [];
  });
}

function loginHolds(auth: TokenAuth, authorization: string | undefined): boolean {
  if (auth.username === undefined) return true;
  const sent = /^Basic +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  const wanted = `${auth.username}:${auth.password ?? ""}`;
  // Digests have equal lengths, so that comparing takes equally long whatever was sent.
  return timingSafeEqual(sha256(Buffer.from(sent, "base64")), sha256(Buffer.from(wanted)));
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
