import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { FileMount } from "../../launch/options/files.js";
import { parseCsvLine } from "./csv.js";

/** The KEY=VALUE fields of one `--mount`, aliases under one name each. */
export interface MountFields {
  readonly type: FileMount["type"];
  text(name: string): string | undefined;
  on(name: string): boolean;
  readonly labels: Readonly<Record<string, string>>;
}

interface Key {
  readonly name: string;
  /** The only type it may come with. */
  readonly type?: FileMount["type"];
  /** Without a value it means true. */
  readonly boolean?: true;
}

/** Docker's (docker/cli opts/mount.go). */
const keys: Readonly<Record<string, Key>> = {
  type: { name: "type" },
  source: { name: "source" },
  src: { name: "source" },
  target: { name: "target" },
  dst: { name: "target" },
  destination: { name: "target" },
  readonly: { name: "readonly", boolean: true },
  ro: { name: "readonly", boolean: true },
  consistency: { name: "consistency" },
  "bind-propagation": { name: "propagation", type: "bind" },
  "bind-recursive": { name: "recursive", type: "bind" },
  "bind-nonrecursive": { name: "nonrecursive", type: "bind", boolean: true },
  "bind-create-src": { name: "create", type: "bind", boolean: true },
  "volume-nocopy": { name: "nocopy", type: "volume", boolean: true },
  "volume-subpath": { name: "subpath", type: "volume" },
  "volume-label": { name: "label", type: "volume" },
  "volume-driver": { name: "driver", type: "volume" },
  "tmpfs-size": { name: "size", type: "tmpfs" },
  "tmpfs-mode": { name: "mode", type: "tmpfs" },
};

/** @throws UsageError BAD_VALUE for unknown keys, and for keys of another type of mount */
export function mountFields(text: string): MountFields {
  const line = parseCsvLine(text);
  if (line === undefined) throw badMount(text, "a quote is not closed", "KEY=VALUE,KEY=VALUE");
  const found = line.map((field) => fieldOf(text, field));
  const values = new Map(found.map(({ key, value }) => [key.name, value]));
  const type = typeOf(text, values.get("type") ?? "volume");
  const foreign = found.find(({ key }) => key.type !== undefined && key.type !== type);
  if (foreign !== undefined) {
    throw badMount(text, `${foreign.word} is for type=${foreign.key.type ?? ""}`, `keys of type=${type}`);
  }
  return {
    type,
    text: (name) => values.get(name),
    on: (name) => isOn(text, name, values.get(name)),
    labels: Object.fromEntries(
      found.filter(({ key }) => key.name === "label").map(({ value }) => split(value)),
    ),
  };
}

function fieldOf(text: string, field: string): { word: string; key: Key; value: string } {
  const sign = field.indexOf("=");
  const word = (sign < 0 ? field : field.slice(0, sign)).toLowerCase();
  const key = Object.hasOwn(keys, word) ? keys[word] : undefined;
  if (key === undefined) {
    throw badMount(text, `key ${printable(word, 40)} is unknown`, "type, source, target, readonly, …");
  }
  if (sign < 0 && key.boolean !== true) throw badMount(text, `${word} has no value`, `${word}=VALUE`);
  return { word, key, value: sign < 0 ? "true" : field.slice(sign + 1) };
}

function typeOf(text: string, type: string): FileMount["type"] {
  if (type === "bind" || type === "volume" || type === "tmpfs") return type;
  throw badMount(text, `type ${printable(type, 40)} is unknown`, "bind, volume or tmpfs");
}

function isOn(text: string, name: string, value = "false"): boolean {
  if (/^(?:true|1)$/i.test(value)) return true;
  if (/^(?:false|0)$/i.test(value)) return false;
  throw badMount(text, `${name}=${printable(value, 40)}`, "true or false");
}

function split(label: string): [string, string] {
  const sign = label.indexOf("=");
  return sign < 0 ? [label, ""] : [label.slice(0, sign), label.slice(sign + 1)];
}

export function badMount(text: string, observed: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `--mount: ${printable(text)}: ${observed} (expected ${expected})`);
}
