import { isDigest, type Digest } from "./digest.js";
import { UsageError } from "./errors.js";
import { printable } from "./text.js";

/**
 * An image in a registry, as distribution/reference normalises it: `busybox` is `docker.io/library/busybox:latest`.
 * Has a tag, a digest, or both; where both are given the digest decides and the tag is only a name.
 */
export type Reference = {
  /** Host and optional port as written, `docker.io` for Docker Hub. */
  readonly registry: string;
  readonly repository: string;
  /** What the user typed. */
  readonly input: string;
} & (
  { readonly tag: string; readonly digest?: Digest } | { readonly tag?: undefined; readonly digest: Digest }
);

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const hostPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:.]+\\])(?::[0-9]{1,5})?$`);
const maxNameLength = 255;
const hub = "docker.io";

/** @throws UsageError BAD_REFERENCE */
export function parseReference(input: string): Reference {
  const { name, tag, digest } = splitReference(input);
  const { registry, repository } = splitName(name);
  if (!hostPattern.test(registry)) throw bad(input, `${printable(registry, 60)} is not a registry host`);
  const wrong = repository.split("/").find((part) => !component.test(part));
  if (wrong !== undefined) throw bad(input, nameProblem(wrong, repository));
  if (registry.length + 1 + repository.length > maxNameLength)
    throw bad(input, `longer than ${maxNameLength} characters`);
  if (/^[0-9a-f]{64}$/.test(input)) throw bad(input, "64 hex digits are an image ID, not a name");
  if (tag !== undefined && !tagPattern.test(tag)) throw bad(input, `${printable(tag, 60)} is not a tag`);
  if (digest !== undefined && !isDigest(digest))
    throw bad(input, `${printable(digest, 80)} is not a sha256 digest`);
  const base = { registry, repository, input };
  if (digest !== undefined) return tag === undefined ? { ...base, digest } : { ...base, tag, digest };
  return { ...base, tag: tag ?? "latest" };
}

function splitReference(input: string): {
  name: string;
  tag: string | undefined;
  digest: string | undefined;
} {
  const at = input.indexOf("@");
  const rest = at < 0 ? input : input.slice(0, at);
  const digest = at < 0 ? undefined : input.slice(at + 1);
  const colon = rest.lastIndexOf(":");
  if (colon <= rest.lastIndexOf("/")) {
    return { name: rest, tag: undefined, digest };
  }
  return { name: rest.slice(0, colon), tag: rest.slice(colon + 1), digest };
}

/** The first component is a host if it has a dot or colon, is `localhost`, or could not be a repository name. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const registry = isHost ? first : hub;
  const repository = isHost ? name.slice(slash + 1) : name;
  if (registry !== hub && registry !== "index.docker.io") return { registry, repository };
  return { registry: hub, repository: repository.includes("/") ? repository : `library/${repository}` };
}

function nameProblem(part: string, repository: string): string {
  if (part === "") return "empty name component";
  if (repository !== repository.toLowerCase()) return "repository names are lower case";
  return `${printable(part, 60)} is not a repository name`;
}

function bad(input: string, problem: string): UsageError {
  return new UsageError("BAD_REFERENCE", `image reference: ${printable(input, 100)}: ${problem}`, {
    hint: "the form is [HOST[:PORT]/]NAME[:TAG][@sha256:HEX], for example alpine:3.20 or localhost:5000/team/app",
  });
}

/** The full form, as docker prints it: `docker.io/library/busybox:latest`. */
export function formatReference(ref: Reference): string {
  return `${repositoryOf(ref)}${ref.tag === undefined ? "" : `:${ref.tag}`}${ref.digest === undefined ? "" : `@${ref.digest}`}`;
}

export function repositoryOf(ref: Reference): string {
  return `${ref.registry}/${ref.repository}`;
}

/** Docker's short form: without `docker.io/` and `library/`, as far as it still means the same. */
export function familiarName(ref: Pick<Reference, "registry" | "repository">): string {
  const full = `${ref.registry}/${ref.repository}`;
  if (ref.registry !== hub) return full;
  const forms = [ref.repository.replace(/^library\//, ""), ref.repository];
  const same = (form: string): boolean => {
    const { registry, repository } = splitName(form);
    return registry === hub && repository === ref.repository;
  };
  return forms.find(same) ?? full;
}

/** True for a repository path as it stands in a registry URL: `library/busybox`. */
export function isRepositoryName(text: string): boolean {
  return text.length <= maxNameLength && text.split("/").every((part) => component.test(part));
}

/** True for `HOST[:PORT]` as it may stand before the first slash of a reference. */
export function isRegistryHost(text: string): boolean {
  return hostPattern.test(text);
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}
