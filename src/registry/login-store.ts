import { randomUUID } from "node:crypto";
import { open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { errnoText } from "../core/errno-hints.js";
import { AuthError, errnoOf } from "../core/errors.js";
import { printable } from "../core/text.js";
import { canonical, parseAuthFile, serverUrlOf } from "./auth-file.js";
import { eraseWithHelper, storeWithHelper } from "./credential-helper.js";

/** Where logins are kept: docker's config.json or containers' auth.json, which need not be there yet, but its directory. */
export interface LoginPlace {
  readonly file: string;
  /** As in a reference, `docker.io` for Docker Hub. */
  readonly registry: string;
  readonly signal: AbortSignal;
}

type Content = Record<string, unknown>;

/**
 * Stores a login as docker does: with the credential helper that the file names for the registry, else in the file
 * itself, 0600. What else the file says is kept. Returns where it went. @throws AuthError
 */
export async function storeLogin(
  place: LoginPlace,
  login: { readonly username: string; readonly password: string },
): Promise<string> {
  const { file, registry } = place;
  const content = await readContent(file);
  const server = serverUrlOf(registry);
  const helper = helperFor(file, content, registry);
  if (helper !== undefined) await storeWithHelper(helper, { server, ...login }, place);
  const auth = Buffer.from(`${login.username}:${login.password}`).toString("base64");
  const auths = { ...without(content, registry), [server]: helper === undefined ? { auth } : {} };
  await writeContent(file, { ...content, auths });
  return helper === undefined ? file : `docker-credential-${helper}`;
}

/** Removes a login from the file and from its helper; false if there was none in either. @throws AuthError */
export async function eraseLogin(place: LoginPlace): Promise<boolean> {
  const { file, registry } = place;
  const content = await readContent(file);
  const helper = helperFor(file, content, registry);
  const wasErased = helper !== undefined && (await eraseWithHelper(helper, serverUrlOf(registry), place));
  const auths = without(content, registry);
  const wasThere = Object.keys(auths).length < Object.keys(authsOf(content)).length;
  if (wasThere) await writeContent(file, { ...content, auths });
  return wasErased || wasThere;
}

function helperFor(file: string, content: Content, registry: string): string | undefined {
  return parseAuthFile(file, JSON.stringify(content)).helperFor(registry);
}

/** The logins but those for this registry, however it is spelled. */
function without(content: Content, registry: string): Content {
  const own = canonical(registry);
  return Object.fromEntries(Object.entries(authsOf(content)).filter(([key]) => canonical(key) !== own));
}

function authsOf(content: Content): Content {
  const { auths } = content;
  return typeof auths === "object" && auths !== null ? (auths as Content) : {};
}

async function readContent(file: string): Promise<Content> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return {};
    throw cannot("read", file, error);
  }
  // Checks the form, and says what is wrong without quoting it.
  parseAuthFile(file, text);
  return JSON.parse(text) as Content;
}

/** Whole or not at all, through a symlink if it is one, readable by the user alone. */
async function writeContent(file: string, content: Content): Promise<void> {
  try {
    const target = await realpath(file).catch(() => file);
    const temporary = `${target}.${randomUUID()}.tmp`;
    await using handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(content, undefined, "\t")}\n`);
      const before = await stat(target).catch(() => undefined);
      // Under sudo the file is still its owner's; where we may not give it away it is ours already.
      if (before !== undefined) await handle.chown(before.uid, before.gid).catch(() => undefined);
      await handle.sync();
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw cannot("write", file, error);
  }
}

function cannot(verb: string, file: string, error: unknown): AuthError {
  return new AuthError(
    "BAD_AUTH_FILE",
    `credentials file: ${printable(file)}: cannot ${verb} it: ${errnoText(error)}`,
    {
      hint: "check its owner and permissions, or name another directory in DOCKER_CONFIG",
    },
  );
}
