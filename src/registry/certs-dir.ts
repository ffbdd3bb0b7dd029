import { readdir } from "node:fs/promises";
import path from "node:path";
import { errnoText } from "../core/errno-hints.js";
import { errnoOf } from "../core/errors.js";
import { badConfig, isAbsent, readConfig, readNamed } from "./config-file.js";
import { apiHost } from "./hosts.js";
import { noTrust, type Trust } from "./trust.js";

/** The `certs.d` directories to look in, most important first; docker, podman and containerd have one each. */
export type CertsDirs = readonly string[];

/**
 * Paths of the `hosts.toml` that may speak for a registry, in order: the registry's own in any directory goes before
 * `_default` in any.
 */
export function hostsFiles(dirs: CertsDirs, registry: string): string[] {
  const names = [...directoryNames(registry), "_default"];
  return names.flatMap((name) => dirs.map((dir) => path.join(dir, name, "hosts.toml")));
}

/**
 * Docker's way: `HOST/*.crt` are authorities, `HOST/NAME.cert` with `HOST/NAME.key` a client certificate. All
 * directories count. @throws UsageError BAD_CONFIG
 */
export async function readTrust(dirs: CertsDirs, host: string): Promise<Trust> {
  let trust = noTrust;
  for (const dir of dirs) {
    for (const name of directoryNames(host)) {
      const found = await readDirectory(path.join(dir, name));
      trust = { ca: [...trust.ca, ...found.ca], client: [...trust.client, ...found.client] };
    }
  }
  return trust;
}

/** `host:5000` may also be spelled `host_5000_`, as containerd does for file systems without colons. */
function directoryNames(host: string): string[] {
  // A redirect may name the host `..`, which is a URL's but not a directory's name.
  if (/^\.+$/.test(host)) return [];
  const names = apiHost(host) === apiHost("docker.io") ? ["docker.io", apiHost("docker.io")] : [host];
  return names.flatMap((name) => {
    const spelled = name.replace(/:(\d+)$/, "_$1_");
    return spelled === name ? [name] : [name, spelled];
  });
}

async function readDirectory(dir: string): Promise<Trust> {
  const files = (await list(dir)).map((name) => path.join(dir, name));
  const ca = await Promise.all(files.filter((file) => file.endsWith(".crt")).map(readNamed));
  const client = await Promise.all(files.filter((file) => file.endsWith(".cert")).map(readPair));
  return { ca, client };
}

async function readPair(cert: string): Promise<Trust["client"][number]> {
  const keyFile = cert.replace(/\.cert$/, ".key");
  const key = await readConfig(keyFile);
  if (key === undefined) throw badConfig(cert, `no ${path.basename(keyFile)} beside it`);
  return { cert: await readNamed(cert), key };
}

async function list(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).sort();
  } catch (error) {
    const errno = errnoOf(error);
    // A directory we may not enter is another user's: docker's may be root's alone.
    if (isAbsent(errno) || errno === "EACCES") return [];
    throw badConfig(dir, `cannot be read: ${errnoText(error)}`);
  }
}
