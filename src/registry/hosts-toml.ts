import path from "node:path";
import * as v from "valibot";
import { badConfig, parseToml, readConfig, readNamed } from "./config-file.js";
import { apiHost } from "./hosts.js";
import type { Trust } from "./trust.js";

/** One server in containerd's `hosts.toml` (containerd docs/hosts.md). */
export interface HostEntry {
  /** Below it `NAME/manifests/…` is found; ends in a slash. */
  readonly root: URL;
  /** May tell what a tag means; may give documents and blobs by digest. */
  readonly capabilities: { readonly resolve: boolean; readonly pull: boolean };
  readonly trust: Trust;
  readonly verifyTls: boolean;
  /** For this host alone: they may hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly connectMs?: number;
}

export interface HostsFile {
  /** In the order they are to be asked. */
  readonly hosts: readonly HostEntry[];
  /** The registry itself, asked last, where the file has something to say about it. */
  readonly server?: HostEntry;
}

const textOrTexts = v.union([v.string(), v.array(v.string())]);

const entryFields = {
  capabilities: v.optional(v.array(v.string())),
  ca: v.optional(textOrTexts),
  client: v.optional(v.union([v.string(), v.array(textOrTexts)])),
  skip_verify: v.optional(v.boolean()),
  override_path: v.optional(v.boolean()),
  header: v.optional(v.record(v.string(), textOrTexts)),
  dial_timeout: v.optional(v.string()),
};
const entrySchema = v.object(entryFields);
type Entry = v.InferOutput<typeof entrySchema>;

const fileSchema = v.object({
  ...entryFields,
  server: v.optional(v.string()),
  host: v.optional(v.record(v.string(), entrySchema)),
});

/** Reads a `hosts.toml`; undefined where there is none. @throws UsageError BAD_CONFIG */
export async function readHostsFile(file: string): Promise<HostsFile | undefined> {
  const text = await readConfig(file);
  if (text === undefined) return undefined;
  const content = await parseToml(file, text, fileSchema);
  const hosts: HostEntry[] = [];
  for (const [url, entry] of Object.entries(content.host ?? {}))
    hosts.push(await hostEntry(file, url, entry));
  if (content.server === undefined) return { hosts };
  return { hosts, server: await hostEntry(file, content.server, content) };
}

async function hostEntry(file: string, url: string, entry: Entry): Promise<HostEntry> {
  const can = new Set(entry.capabilities ?? ["pull", "resolve"]);
  const connectMs = entry.dial_timeout === undefined ? undefined : duration(file, entry.dial_timeout);
  return {
    root: rootOf(file, url, entry.override_path ?? false),
    capabilities: { resolve: can.has("resolve"), pull: can.has("pull") },
    trust: await trustOf(file, entry),
    verifyTls: !(entry.skip_verify ?? false),
    headers: headersOf(file, entry.header ?? {}),
    ...(connectMs === undefined ? {} : { connectMs }),
  };
}

/** As containerd: https where no scheme is given, and `/v2` at the end unless the path is to be taken as it is. */
function rootOf(file: string, text: string, overridePath: boolean): URL {
  const full = text.includes("://") ? text : `https://${text}`;
  if (!URL.canParse(full)) throw badConfig(file, "a server that is not a URL");
  const url = new URL(full);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw badConfig(file, `server scheme ${url.protocol}`);
  if (url.username !== "" || url.password !== "")
    throw badConfig(file, "user info in a server URL (expected a login)");
  const given = url.pathname.replace(/\/+$/, "");
  const pathname = overridePath || given.endsWith("/v2") ? given : `${given}/v2`;
  return new URL(`${url.protocol}//${apiHost(url.host)}${pathname}/`);
}

async function trustOf(file: string, entry: Entry): Promise<Trust> {
  const read = (name: string): Promise<string> => readNamed(path.resolve(path.dirname(file), name));
  const client: { cert: string; key: string }[] = [];
  for (const pair of listOf(entry.client ?? [])) {
    const [cert = "", key = cert] = listOf(pair);
    client.push({ cert: await read(cert), key: await read(key) });
  }
  return { ca: await Promise.all(listOf(entry.ca ?? []).map(read)), client };
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

/** Lower-case names. A value that is no header value would make every request fail in a way hard to trace back. */
function headersOf(
  file: string,
  header: Readonly<Record<string, string | readonly string[]>>,
): Record<string, string> {
  const entries = Object.entries(header).map(([name, value]): [string, string] => {
    const text = listOf(value).join(", ");
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(text))
      throw badConfig(file, "a header that is not one");
    return [name.toLowerCase(), text];
  });
  return Object.fromEntries(entries);
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations: `500ms`, `3s`, `1m30s`. */
function duration(file: string, text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text))
    throw badConfig(file, "dial_timeout that is no duration such as 3s");
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const sum = parts.reduce((ms, [, count, unit = ""]) => ms + Number(count) * (units[unit] ?? 0), 0);
  return Math.max(1, Math.round(sum));
}
