import { createPrivateKey, randomUUID, sign, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { selfSigned, type Certificate } from "./certificate.js";

/** A token server for docker-registry, after distribution's docs/spec/auth/token.md and jwt.md. */
export interface TokenIssuer {
  /** The URL clients are sent to. */
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** PEM file with the certificate whose key signs: docker-registry's `rootcertbundle`. */
  readonly certificate: string;
  /** `USER SCOPE` of each token given, `-` for an anonymous user; `refused` when it was not. */
  readonly log: readonly string[];
  close(): Promise<void>;
}

export interface IssuerOptions {
  /** Where the key and certificate are put. */
  readonly dir: string;
  /** Password by user name. Users may do anything. */
  readonly users: Readonly<Record<string, string>>;
  /** Whether pulling needs no user. */
  readonly anonymousPull: boolean;
}

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

const service = "pullrun test registry";
const issuer = "pullrun test issuer";
const lifetime = 300;

/** Needs openssl. */
export async function startTokenIssuer(options: IssuerOptions): Promise<TokenIssuer> {
  const certificate = await selfSigned(options.dir, "issuer");
  const key = createPrivateKey(certificate.keyPem);
  const log: string[] = [];
  const server = createServer((request, response) => {
    const user = userOf(request, options.users);
    const scopes = new URL(request.url ?? "/", "http://localhost").searchParams.getAll("scope");
    const refused =
      user === undefined ? request.headers.authorization !== undefined || !options.anonymousPull : false;
    log.push(refused ? "refused" : `${user ?? "-"} ${scopes.join(" ")}`);
    response.writeHead(refused ? 401 : 200, { "content-type": "application/json" });
    response.end(
      JSON.stringify(refused ? { details: "incorrect username or password" } : answer(user, scopes)),
    );
  });
  const answer = (user: string | undefined, scopes: readonly string[]): object => {
    const access = scopes.flatMap((scope) => grant(scope, user !== undefined));
    return { token: token({ key, certificate }, { subject: user ?? "", access }), expires_in: lifetime };
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    realm: `http://127.0.0.1:${port}/token`,
    service,
    issuer,
    certificate: certificate.certificate,
    log,
    close,
  };
}

function userOf(request: IncomingMessage, users: Readonly<Record<string, string>>): string | undefined {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const [user = "", ...password] = Buffer.from(basic, "base64").toString().split(":");
  return Object.hasOwn(users, user) && users[user] === password.join(":") ? user : undefined;
}

/** `repository:team/app:pull,push`, cut down to pulling for an anonymous user. */
function grant(scope: string, known: boolean): Access[] {
  const [, type, name, actions] = /^([a-z]+):(.+):([a-z,*]+)$/.exec(scope) ?? [];
  if (type === undefined || name === undefined || actions === undefined) return [];
  return [{ type, name, actions: actions.split(",").filter((action) => known || action === "pull") }];
}

interface Signer {
  readonly key: KeyObject;
  readonly certificate: Certificate;
}

/** ES256 with the certificate itself in `x5c`: docker-registry checks it against its bundle. */
function token(signer: Signer, { subject, access }: { subject: string; access: readonly Access[] }): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: "JWT", alg: "ES256", x5c: [Buffer.from(signer.certificate.der).toString("base64")] };
  const times = { exp: now + lifetime, nbf: now - 10, iat: now };
  const claims = { iss: issuer, sub: subject, aud: service, ...times, jti: randomUUID(), access };
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = sign("sha256", Buffer.from(text), { key: signer.key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}
