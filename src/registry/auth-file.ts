import * as v from "valibot";
import { AuthError } from "../core/errors.js";
import { parseUntrustedJson } from "../core/json.js";
import { printable } from "../core/text.js";

/** What to present to a registry. `source` says where it was found, for messages; never print the rest. */
export type Credentials =
  | {
      readonly kind: "password";
      readonly username: string;
      readonly password: string;
      readonly source: string;
    }
  | { readonly kind: "identity-token"; readonly token: string; readonly source: string };

/** What an auth file says about one place: a helper program to ask, or the credentials themselves. */
export interface AuthFileEntry {
  readonly helper?: string;
  readonly credentials?: Credentials;
}

/** docker's config.json, or containers' auth.json which has the same form. */
export interface AuthFile {
  readonly path: string;
  /** `place` is `REGISTRY[/REPOSITORY]`. @throws AuthError BAD_AUTH_FILE if the entry for it is malformed */
  find(place: string): AuthFileEntry;
  /** The helper program that keeps this registry's credentials, if the file names one. */
  helperFor(registry: string): string | undefined;
}

const entrySchema = v.object({
  auth: v.nullish(v.string()),
  username: v.nullish(v.string()),
  password: v.nullish(v.string()),
  identitytoken: v.nullish(v.string()),
});

type Entry = v.InferOutput<typeof entrySchema>;

const fileSchema = v.object({
  auths: v.nullish(v.record(v.string(), entrySchema)),
  credHelpers: v.nullish(v.record(v.string(), v.string())),
  credsStore: v.nullish(v.string()),
});

/** The key docker login has always written for Docker Hub, and what helpers know it by. */
const hubServerUrl = "https://index.docker.io/v1/";

const hubNames = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** What a place's registry is called in the files docker writes, and by credential helpers. */
export function serverUrlOf(place: string): string {
  const registry = registryOf(place);
  return canonical(registry) === "docker.io" ? hubServerUrl : registry;
}

function registryOf(place: string): string {
  return place.split("/")[0] ?? place;
}

/** @throws AuthError BAD_AUTH_FILE naming the file, never quoting it: it holds secrets */
export function parseAuthFile(path: string, text: string): AuthFile {
  const file = v.safeParse(fileSchema, parseJson(path, text));
  if (!file.success)
    throw badFile(path, v.getDotPath(file.issues[0]) ?? "content", "unexpected type of value");
  const { auths, credHelpers, credsStore } = file.output;
  const helperFor = (registry: string): string | undefined => {
    const name = lookUp(credHelpers ?? {}, registry)?.value ?? credsStore;
    return name === null || name === "" ? undefined : name;
  };
  return {
    path,
    helperFor,
    find(place) {
      const helper = helperFor(registryOf(place));
      const entry = nearest(auths ?? {}, place);
      const credentials = entry && credentialsOf(path, entry.key, entry.value);
      return {
        ...(helper === undefined ? {} : { helper }),
        ...(credentials ? { credentials } : {}),
      };
    },
  };
}

function parseJson(path: string, text: string): unknown {
  let value: unknown;
  try {
    value = parseUntrustedJson(Buffer.from(text));
  } catch {
    // The parser's own message quotes the text around the mistake, which may be a password.
    throw badFile(path, "content", "not JSON, or with a key that is there twice");
  }
  if (Array.isArray(value)) throw badFile(path, "content", "not a JSON object");
  return value;
}

/** The entry whose key names most of `host/team/app`: that, `host/team`, or `host`. */
function nearest<T>(map: Readonly<Record<string, T>>, place: string): { key: string; value: T } | undefined {
  const parts = place.split("/");
  for (let count = parts.length; count > 0; count--) {
    const found = lookUp(map, parts.slice(0, count).join("/"));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Exact key first, then keys that spell the same registry another way. Never a part of a name. */
function lookUp<T>(
  map: Readonly<Record<string, T>>,
  registry: string,
): { key: string; value: T } | undefined {
  const wanted = canonical(registry);
  const keys = Object.keys(map).filter((key) => canonical(key) === wanted);
  const key = keys.find((k) => k === registry || k === hubServerUrl) ?? keys[0];
  const value = key === undefined ? undefined : map[key];
  return key === undefined || value === undefined ? undefined : { key, value };
}

/** One spelling for all of a registry's: `host[:port]`, or `host/team` of a namespace, in lower case. */
export function canonical(key: string): string {
  const host = key
    .replace(/^https?:\/\//i, "")
    .replace(/\/(v[12]\/?)?$/, "")
    .toLowerCase();
  return hubNames.has(host) ? "docker.io" : host;
}

function credentialsOf(path: string, key: string, entry: Entry): Credentials | undefined {
  const source = `${path} (${key})`;
  if (entry.identitytoken) return { kind: "identity-token", token: entry.identitytoken, source };
  if (entry.auth) return { kind: "password", ...decodeAuth(path, key, entry.auth), source };
  if (!entry.username) return undefined;
  return { kind: "password", username: entry.username, password: entry.password ?? "", source };
}

/** `base64(user:password)`; the password may hold colons, the user name may not. */
function decodeAuth(path: string, key: string, auth: string): { username: string; password: string } {
  const text = /^[A-Za-z0-9+/_-]+={0,2}$/.test(auth) ? Buffer.from(auth, "base64").toString("utf8") : "";
  const colon = text.indexOf(":");
  if (colon <= 0) throw badFile(path, `auths."${key}".auth`, "not base64 of USER:PASSWORD");
  // Docker pads the password with NULs in some versions and trims them itself.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/^\0+|\0+$/g, "") };
}

function badFile(path: string, where: string, problem: string): AuthError {
  return new AuthError(
    "BAD_AUTH_FILE",
    `credentials file: ${printable(path)}: ${printable(where, 100)}: ${problem}`,
    {
      hint: "repair or remove the file, or run `pullrun login` again",
    },
  );
}
