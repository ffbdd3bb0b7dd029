/** The only file that reads the environment and asks what the terminal is. */
import { homedir } from "node:os";
import path from "node:path";
import type { NetworkFiles } from "../registry/endpoints.js";

export interface Env {
  /** `PULLRUN_ROOT`. */
  readonly root: string | undefined;
  readonly defaultRoot: string;
  /** `PULLRUN_ROOTFS_DRIVER`. */
  readonly rootfsDriver: string | undefined;
  /** `PULLRUN_NETWORK`: for containers that do not say. */
  readonly defaultNetwork: string | undefined;
  /** `PULLRUN_SQUASH_IDS`, which means nothing to root. */
  readonly squashIds: boolean;
  /** Files that may hold credentials, most important first; docker's also inline where `DOCKER_AUTH_CONFIG` has it. */
  readonly authFiles: readonly string[];
  readonly dockerAuthConfig: string | undefined;
  /** Where `login` stores: the most important of them. */
  readonly loginFile: string;
  readonly network: NetworkFiles;
  readonly platform: string | undefined;
  /** The proxy variables that are set, in either case. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly ci: boolean;
  /** Whether the locale has more than ASCII. */
  readonly unicode: boolean;
  readonly debug: boolean;
  /** What `-e NAME` without a value copies. */
  variable(name: string): string | undefined;
}

/** What bin/pullrun sets for this process, which has read it by now. */
const ourTunables = "glibc.malloc.hugetlb=1";

export function readEnv(): Env {
  const env = process.env;
  if (env["GLIBC_TUNABLES"] === ourTunables) delete env["GLIBC_TUNABLES"];
  const home = nonEmpty(env["HOME"]) ?? passwdHome();
  const configHome = nonEmpty(env["XDG_CONFIG_HOME"]) ?? path.join(home, ".config");
  const authFiles = authFilesOf(env, { home, configHome });
  const dataHome = env["XDG_DATA_HOME"] ?? path.join(home, ".local/share");
  return {
    root: nonEmpty(env["PULLRUN_ROOT"]),
    rootfsDriver: nonEmpty(env["PULLRUN_ROOTFS_DRIVER"]),
    defaultNetwork: nonEmpty(env["PULLRUN_NETWORK"]),
    squashIds: nonEmpty(env["PULLRUN_SQUASH_IDS"]) !== undefined && process.getuid?.() !== 0,
    defaultRoot: process.getuid?.() === 0 ? "/var/lib/pullrun" : path.join(dataHome, "pullrun"),
    authFiles,
    loginFile: authFiles[0] ?? "",
    network: networkFilesOf(env, configHome),
    dockerAuthConfig: nonEmpty(env["DOCKER_AUTH_CONFIG"]),
    platform: nonEmpty(env["DOCKER_DEFAULT_PLATFORM"]),
    proxies: pick(env, ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"]),
    ci: nonEmpty(env["CI"]) !== undefined && env["CI"] !== "false",
    unicode: /utf-?8/i.test(nonEmpty(env["LC_ALL"]) ?? nonEmpty(env["LC_CTYPE"]) ?? env["LANG"] ?? ""),
    debug: nonEmpty(env["PULLRUN_DEBUG"]) !== undefined,
    variable: (name) => env[name],
  };
}

/**
 * True where lines may be redrawn: not in CI, unless asked for. A terminal that reports 0 columns makes ora loop for
 * ever.
 */
export function liveTerminal(env: Env, { despiteCi }: { readonly despiteCi: boolean }): boolean {
  const { isTTY, columns } = process.stderr;
  return isTTY && columns > 0 && process.env["TERM"] !== "dumb" && (despiteCi || !env.ci);
}

/** How wide lines for people may be: COLUMNS, or the terminal's columns. Without end in a pipe, where grep may read them. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  const stated = Number(process.env["COLUMNS"]);
  if (Number.isInteger(stated) && stated > 0) return stated;
  return stream.isTTY && stream.columns > 0 ? stream.columns : Infinity;
}

/** Without making `process.stdin`, which would read from it, and loading nothing for who does not ask. */
export function stdinIsTerminal(): boolean {
  return process.getBuiltinModule("node:tty").isatty(0);
}

/** True where someone can be asked. */
export function terminalInput(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** docker's file, and containers-auth.json(5): REGISTRY_AUTH_FILE, where it is set, goes before everything. */
function authFilesOf(
  env: NodeJS.ProcessEnv,
  { home, configHome }: { readonly home: string; readonly configHome: string },
): string[] {
  const docker = path.join(nonEmpty(env["DOCKER_CONFIG"]) ?? path.join(home, ".docker"), "config.json");
  const named = nonEmpty(env["REGISTRY_AUTH_FILE"]);
  if (named !== undefined) return [named, docker];
  const runtime = nonEmpty(env["XDG_RUNTIME_DIR"]);
  const homes = [...(runtime === undefined ? [] : [runtime]), configHome];
  return [docker, ...homes.map((dir) => path.join(dir, "containers/auth.json"))];
}

/** The user's own certificates before the machine's, pullrun's before the other tools'; see NetworkFiles for the order. */
function networkFilesOf(env: NodeJS.ProcessEnv, configHome: string): NetworkFiles {
  const user = (name: string): string => path.join(configHome, name);
  const named = nonEmpty(env["CONTAINERS_REGISTRIES_CONF"]);
  const caFile = nonEmpty(env["SSL_CERT_FILE"]);
  const conf = "/etc/containers/registries.conf";
  const own = user("containers/registries.conf");
  return {
    certsDirs: [
      user("pullrun/certs.d"),
      "/etc/pullrun/certs.d",
      "/etc/containerd/certs.d",
      user("containers/certs.d"),
      "/etc/containers/certs.d",
      "/etc/docker/certs.d",
    ],
    registriesConf: named === undefined ? [conf, `${conf}.d`, own, `${own}.d`] : [named],
    ...(caFile === undefined ? {} : { caFile }),
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** `/` for a user whom nobody knows, as under `docker run --user 1234`. */
function passwdHome(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}
