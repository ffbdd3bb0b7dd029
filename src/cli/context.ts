import { existsSync, readFileSync } from "node:fs";
import type { Context } from "../api/context.js";
import type { Emit } from "../core/events.js";
import { hostPlatform, parsePlatform, type Platform } from "../core/platform.js";
import type { Flags, Invocation } from "./command.js";
import type { Env } from "./env.js";
import { version } from "./version.js";

/** Everything a use case needs, from the flags and the environment; `root` goes before what they say. */
export async function contextOf(invocation: Invocation, emit: Emit, root?: string): Promise<Context> {
  const { flags, env, signal } = invocation;
  const { createContext } = await import("../api/context.js");
  return createContext({
    root: root ?? rootOf(flags, env),
    authFiles: authFilesOf(env),
    proxyEnv: env.proxies,
    userAgent: `pullrun/${version}`,
    insecure: flags.on("insecure"),
    emit,
    signal,
  });
}

function rootOf(flags: Flags, env: Env): string {
  return flags.text("root") ?? env.root ?? env.defaultRoot;
}

export function platformOf(flags: Flags, env: Env): Platform {
  const text = flags.text("platform") ?? env.platform;
  return text === undefined ? hostPlatform() : parsePlatform(text);
}

/** DOCKER_AUTH_CONFIG holds a whole config.json and goes before the file. */
function authFilesOf(env: Env): { path: string; text: string }[] {
  const inline =
    env.dockerAuthConfig === undefined ? [] : [{ path: "DOCKER_AUTH_CONFIG", text: env.dockerAuthConfig }];
  const file = env.dockerConfigFile;
  return existsSync(file) ? [...inline, { path: file, text: readFileSync(file, "utf8") }] : inline;
}
