import { readdir } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { isRepositoryName, type Reference } from "../core/reference.js";
import { printable } from "../core/text.js";
import { badConfig, parseToml, readConfig } from "./config-file.js";

/** A place an image may be had from, by containers-registries.conf(5). */
export interface Location {
  readonly registry: string;
  readonly repository: string;
  readonly insecure: boolean;
}

/** What `registries.conf` says about one image. */
export interface Route {
  readonly blocked: boolean;
  /** In the order they are to be asked, before `upstream`. */
  readonly mirrors: readonly Location[];
  readonly upstream: Location;
}

const mirrorSchema = v.object({
  location: v.string(),
  insecure: v.optional(v.boolean(), false),
  "pull-from-mirror": v.optional(v.picklist(["all", "digest-only", "tag-only"])),
});

const ruleSchema = v.object({
  prefix: v.optional(v.string()),
  location: v.optional(v.string()),
  insecure: v.optional(v.boolean(), false),
  blocked: v.optional(v.boolean(), false),
  "mirror-by-digest-only": v.optional(v.boolean(), false),
  mirror: v.optional(v.array(mirrorSchema), []),
});
type Rule = v.InferOutput<typeof ruleSchema>;

// Version 1 has a table of this name instead, which said only where to look for short names.
const fileSchema = v.object({ registry: v.optional(v.array(ruleSchema), []) });

const mentionsRules = /^[ \t]*(?:\[\[[ \t]*)?["']?registry["']?[ \t]*[\]=]/m;

interface Match {
  readonly file: string;
  readonly rule: Rule;
  /** How much of the image's name the prefix covers. */
  readonly length: number;
}

/**
 * What the files say about an image, or undefined if nothing. The longest prefix decides; for equal ones the last file.
 * @throws UsageError BAD_CONFIG
 */
export async function findRoute(files: readonly string[], ref: Reference): Promise<Route | undefined> {
  const name = `${ref.registry}/${ref.repository}`;
  const rules = new Map<string, Omit<Match, "length">>();
  for (const file of (await Promise.all(files.map(expand))).flat()) {
    for (const rule of await rulesOf(file)) rules.set(prefixOf(file, rule), { file, rule });
  }
  let best: Match | undefined;
  let bestPrefix = "";
  for (const [prefix, { file, rule }] of rules) {
    const length = matchLength(name, prefix);
    if (length === 0 || prefix.length <= bestPrefix.length) continue;
    best = { file, rule, length };
    bestPrefix = prefix;
  }
  return best && routeOf(ref, name, best);
}

async function rulesOf(file: string): Promise<readonly Rule[]> {
  const text = await readConfig(file);
  // Debian's file and its list of short names have none: nothing to load a parser for.
  if (text === undefined || !mentionsRules.test(text)) return [];
  return (await parseToml(file, text, fileSchema)).registry;
}

/** A directory (`registries.conf.d`) stands for its `*.conf` files, in the order of their names. */
async function expand(file: string): Promise<string[]> {
  if (!file.endsWith(".d")) return [file];
  const names = await readdir(file).catch(() => []);
  return names
    .filter((name) => name.endsWith(".conf"))
    .sort()
    .map((name) => path.join(file, name));
}

function routeOf(ref: Reference, name: string, match: Match): Route {
  const { rule } = match;
  const locate = (location: string, insecure: boolean): Location => ({
    ...rewrite(match, name, location),
    insecure,
  });
  const usable = rule.mirror.filter((mirror) => {
    const use = mirror["pull-from-mirror"] ?? (rule["mirror-by-digest-only"] ? "digest-only" : "all");
    return use === "all" || (use === "digest-only") === (ref.digest !== undefined);
  });
  return {
    blocked: rule.blocked,
    mirrors: usable.map(({ location, insecure }) => locate(location, insecure)),
    upstream: locate(rule.location ?? name.slice(0, match.length), rule.insecure),
  };
}

/** The image's name with `location` in place of what the prefix covered. */
function rewrite({ file, length }: Match, name: string, location: string): Omit<Location, "insecure"> {
  const [registry = "", ...rest] = `${location.replace(/\/+$/, "")}${name.slice(length)}`.split("/");
  const repository = rest.join("/");
  if (registry === "" || !isRepositoryName(repository))
    throw badConfig(file, `location ${printable(location, 80)}: gives no image name`);
  return { registry, repository };
}

function prefixOf(file: string, { prefix, location }: Rule): string {
  const text = prefix ?? location;
  if (text !== undefined && text !== "") return text.replace(/\/+$/, "");
  throw badConfig(file, "a [[registry]] without prefix and location");
}

/** How many characters of `name` the prefix covers, whole components only; 0 for none. `*.host` covers any subdomain. */
function matchLength(name: string, prefix: string): number {
  const start = prefix.startsWith("*.") ? wildcardStart(name, prefix) : 0;
  const wanted = prefix.startsWith("*.") ? prefix.slice(1) : prefix;
  if (start < 0 || !name.startsWith(wanted, start)) return 0;
  const end = start + wanted.length;
  return end === name.length || name[end] === "/" ? end : 0;
}

function wildcardStart(name: string, prefix: string): number {
  const host = name.slice(0, name.indexOf("/"));
  const wildHost = prefix.slice(1).split("/")[0] ?? "";
  return host.endsWith(wildHost) && host.length > wildHost.length ? host.length - wildHost.length : -1;
}
