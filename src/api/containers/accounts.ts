import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { RootDirectory } from "../../launch/options/files.js";
import type { AccountFiles } from "../../launch/user.js";
import type { Context } from "../context.js";
import type { Container } from "./container.js";

/** A hostile container's file may be of any size. */
const maxBytes = 4 * 1024 * 1024;

/** The container's own /etc/passwd and /etc/group: as it changed them, else its image's. */
export async function accountFilesOf(context: Context, container: Container): Promise<AccountFiles> {
  const { rootDir } = container.state.options;
  const image =
    rootDir === undefined ? await imageFacts(context, container) : await rootFacts(context, rootDir);
  const upper = `${container.directory}/upper`;
  const [passwd, group] = await Promise.all([
    readBelow(upper, ["etc", "passwd"]),
    readBelow(upper, ["etc", "group"]),
  ]);
  return { passwd: passwd ?? image.passwd, group: group ?? image.group };
}

async function imageFacts(context: Context, { state }: Container): Promise<AccountFiles> {
  const store = await context.store({ create: false });
  return store.facts(state.diffIds ?? []);
}

async function rootFacts(context: Context, rootDir: RootDirectory): Promise<AccountFiles> {
  return (await import("./root.js")).accountsOfDirectory(context, rootDir);
}

const noFollow = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A regular file, one name at a time from descriptor to descriptor: whoever is root in the container may put a symbolic
 * link in the place of any of them at any moment, and it would be resolved on the host. Undefined for anything else.
 */
async function readBelow(directory: string, names: readonly string[]): Promise<string | undefined> {
  let at: FileHandle | undefined;
  try {
    at = await open(directory, noFollow | constants.O_DIRECTORY);
    for (const [i, name] of names.entries()) {
      const parent = at;
      const kind = i === names.length - 1 ? 0 : constants.O_DIRECTORY;
      at = await open(`/proc/self/fd/${parent.fd}/${name}`, noFollow | kind);
      await parent.close();
    }
    const found = await at.stat();
    return found.isFile() && found.size <= maxBytes ? await at.readFile("utf8") : undefined;
  } catch {
    return undefined;
  } finally {
    await at?.close();
  }
}
