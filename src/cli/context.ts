import { existsSync, readFileSync } from "node:fs";
import type { Context, ContextOptions } from "../api/context.js";
import { errnoText } from "../core/errno-hints.js";
import { AuthError, UsageError } from "../core/errors.js";
import type { Emit } from "../core/events.js";
import { hostPlatform, parsePlatform, type Platform } from "../core/platform.js";
import { printable } from "../core/text.js";
import type { AuthFileText } from "../registry/credentials.js";
import type { Flags, Invocation } from "./command.js";
import type { Env } from "./env.js";
import { nonEmpty } from "./flags/given.js";
import { version } from "./version.js";

/** Everything a use case needs, from the flags and the environment; `root` goes before what they say. */
export async function contextOf(invocation: Invocation, emit: Emit, root?: string): Promise<Context> {
  const { flags, env, onlyReads, signal } = invocation;
  const { createContext } = await import("../api/context.js");
  return createContext({
    root: root ?? rootOf(flags, env),
    onlyReads,
    rootfsDriver: rootfsDriverOf(flags, env),
    squashIds: flags.on("squash-ids") || env.squashIds,
    userns: usernsOf(flags),
    authFiles: authFilesOf(env),
    loginFile: env.loginFile,
    network: env.network,
    proxyEnv: env.proxies,
    userAgent: `pullrun/${version}`,
    insecure: flags.on("insecure"),
    emit,
    signal,
  });
}

function rootOf(flags: Flags, env: Env): string {
  const given = flags.text("root");
  if (given !== "") return given ?? env.root ?? env.defaultRoot;
  throw new UsageError("BAD_VALUE", "--root: empty (expected a directory)", {
    hint: "leave out --root to have the usual store",
  });
}

function rootfsDriverOf(flags: Flags, env: Env): ContextOptions["rootfsDriver"] {
  const text = flags.text("rootfs-driver") ?? env.rootfsDriver;
  if (text === undefined || text === "erofs" || text === "directories") return text;
  throw new UsageError(
    "BAD_VALUE",
    `rootfs driver: ${printable(text, 60)}: unknown (expected erofs or directories)`,
    { hint: "leave out --rootfs-driver and PULLRUN_ROOTFS_DRIVER to have the best one that works here" },
  );
}

/** `host` is what there is without it: none as root, ours as root's otherwise. Docker has "" for the daemon's default. */
function usernsOf(flags: Flags): string | undefined {
  const mode = flags.text("userns") ?? "";
  return mode === "" || mode === "host" ? undefined : mode;
}

export function platformOf(flags: Flags, env: Env): Platform {
  const text = nonEmpty(flags, "platform") ?? env.platform;
  return text === undefined ? hostPlatform() : parsePlatform(text);
}

/** DOCKER_AUTH_CONFIG holds a whole config.json and goes before the file. */
function authFilesOf(env: Env): AuthFileText[] {
  const inline =
    env.dockerAuthConfig === undefined ? [] : [{ path: "DOCKER_AUTH_CONFIG", text: env.dockerAuthConfig }];
  const files = env.authFiles.filter((file) => existsSync(file));
  return [...inline, ...files.map(authFileAt)];
}

/** Read when a registry wants a login: whoever looks into the store, or pulls without one, need not be able to. */
function authFileAt(path: string): AuthFileText {
  return {
    path,
    get text() {
      try {
        return readFileSync(path, "utf8");
      } catch (error) {
        const hint = "check its owner and permissions, or name another directory in DOCKER_CONFIG";
        const message = `credentials file: ${printable(path)}: ${errnoText(error)}`;
        throw new AuthError("BAD_AUTH_FILE", message, { hint, cause: error });
      }
    },
  };
}
