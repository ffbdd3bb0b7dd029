import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Certificate } from "./certificate.js";
import { mustRun } from "./tools.js";
import type { TokenIssuer } from "./token-issuer.js";

/** Debian's docker-registry (distribution 2.8) on a free port of 127.0.0.1, with storage of its own. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`, as in an image reference. */
  readonly host: string;
  readonly url: string;
  /** Its storage, for seeding; see registry-storage.ts. */
  readonly storage: string;
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

export interface DockerRegistryOptions {
  /** Basic authentication with these passwords by user; needs htpasswd. */
  readonly htpasswd?: Readonly<Record<string, string>>;
  readonly tokenIssuer?: Pick<TokenIssuer, "realm" | "service" | "issuer" | "certificate">;
  readonly tls?: Pick<Certificate, "certificate" | "key">;
  /** URL of the registry to be a pull-through cache of. */
  readonly proxy?: string;
  /** Storage to use, and leave in place, instead of a new one. */
  readonly storage?: string;
}

/** Resolves once it listens. @throws Error with what it said, if it ends before that */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const dir = await mkdtemp(join(tmpdir(), "pullrun-registry-"));
  const storage = options.storage ?? join(dir, "storage");
  const config = join(dir, "config.json");
  await writeFile(config, JSON.stringify(await configOf(options, { dir, storage })));
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const port = await listeningPort(child);
  const host = `127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  return { host, url: `${options.tls === undefined ? "http" : "https"}://${host}`, storage, close };
}

interface Places {
  readonly dir: string;
  readonly storage: string;
}

/** JSON is YAML, which is what the registry reads. */
async function configOf(options: DockerRegistryOptions, { dir, storage }: Places): Promise<object> {
  const { htpasswd, tokenIssuer, tls, proxy } = options;
  return {
    version: 0.1,
    log: { level: "info", formatter: "json", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0", secret: "test", ...(tls === undefined ? {} : { tls: tlsOf(tls) }) },
    ...(proxy === undefined ? {} : { proxy: { remoteurl: proxy } }),
    ...(htpasswd === undefined ? {} : { auth: { htpasswd: await htpasswdOf(htpasswd, dir) } }),
    ...(tokenIssuer === undefined ? {} : { auth: { token: tokenOf(tokenIssuer) } }),
  };
}

function tlsOf({ certificate, key }: Pick<Certificate, "certificate" | "key">): object {
  return { certificate, key };
}

function tokenOf({
  realm,
  service,
  issuer,
  certificate,
}: NonNullable<DockerRegistryOptions["tokenIssuer"]>): object {
  return { realm, service, issuer, rootcertbundle: certificate };
}

async function htpasswdOf(users: Readonly<Record<string, string>>, dir: string): Promise<object> {
  const path = join(dir, "htpasswd");
  const lines: string[] = [];
  for (const [user, password] of Object.entries(users)) {
    lines.push((await mustRun("htpasswd", ["-nbB", user, password])).trim());
  }
  await writeFile(path, `${lines.join("\n")}\n`);
  return { realm: "pullrun test", path };
}

/** From its log: `{"msg":"listening on 127.0.0.1:40001, tls"}`. */
async function listeningPort(child: ChildProcess): Promise<number> {
  const { stderr } = child;
  if (stderr === null) throw new Error("docker-registry: no standard error");
  const said: string[] = [];
  const lines = createInterface({ input: stderr });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    // The interface stays open after the answer, so that the registry never blocks on a full pipe.
    lines.on("line", (line) => {
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port === undefined) said.push(line);
      else resolve(Number(port));
    });
    lines.on("close", () =>
      reject(new Error(`docker-registry: ended before it listened: ${said.slice(-5).join("\n")}`)),
    );
  });
}
