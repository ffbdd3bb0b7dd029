/** The only file that reads the environment and asks what the terminal is. */
import { homedir } from "node:os";
import path from "node:path";

export interface Env {
  /** `PULLRUN_ROOT`. */
  readonly root: string | undefined;
  readonly defaultRoot: string;
  /** Docker's config.json, and its content inline where `DOCKER_AUTH_CONFIG` has it. */
  readonly dockerConfigFile: string;
  readonly dockerAuthConfig: string | undefined;
  readonly platform: string | undefined;
  /** The proxy variables that are set, in either case. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly ci: boolean;
  readonly debug: boolean;
  /** What `-e NAME` without a value copies. */
  variable(name: string): string | undefined;
}

export function readEnv(): Env {
  const env = process.env;
  const home = env["HOME"] ?? homedir();
  const dataHome = env["XDG_DATA_HOME"] ?? path.join(home, ".local/share");
  return {
    root: nonEmpty(env["PULLRUN_ROOT"]),
    defaultRoot: process.getuid?.() === 0 ? "/var/lib/pullrun" : path.join(dataHome, "pullrun"),
    dockerConfigFile: path.join(nonEmpty(env["DOCKER_CONFIG"]) ?? path.join(home, ".docker"), "config.json"),
    dockerAuthConfig: nonEmpty(env["DOCKER_AUTH_CONFIG"]),
    platform: nonEmpty(env["DOCKER_DEFAULT_PLATFORM"]),
    proxies: pick(env, ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"]),
    ci: nonEmpty(env["CI"]) !== undefined && env["CI"] !== "false",
    debug: nonEmpty(env["PULLRUN_DEBUG"]) !== undefined,
    variable: (name) => env[name],
  };
}

/** True where a spinner may redraw its line. A terminal that reports 0 columns makes ora loop for ever. */
export function liveTerminal(env: Env): boolean {
  const { isTTY, columns } = process.stderr;
  return isTTY && columns > 0 && process.env["TERM"] !== "dumb" && !env.ci;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
