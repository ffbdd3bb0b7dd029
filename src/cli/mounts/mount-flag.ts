import { printable } from "../../core/text.js";
import type {
  BindMount,
  FileMount,
  Propagation,
  TmpfsMount,
  VolumeMount,
} from "../../launch/options/files.js";
import { given } from "../flags/given.js";
import { parseSize } from "../values.js";
import { badMount, mountFields, type MountFields } from "./mount-fields.js";

/** Docker's `--mount type=bind|volume|tmpfs,…`. @throws UsageError BAD_VALUE */
export function parseMountFlag(text: string, absolute: (path: string) => string): FileMount {
  const fields = mountFields(text);
  const target = fields.text("target");
  if (target === undefined || target === "") throw badMount(text, "no target", "target=PATH");
  const base = { target, ...given("readOnly", fields.on("readonly") || undefined) };
  if (fields.type === "bind") return { ...bindOf(text, fields, absolute), ...base };
  if (fields.type === "volume") return { ...volumeOf(text, fields), ...base };
  return { ...tmpfsOf(text, fields), ...base };
}

type Without<T> = Omit<T, "target" | "readOnly">;

function bindOf(text: string, fields: MountFields, absolute: (path: string) => string): Without<BindMount> {
  const source = fields.text("source") ?? "";
  if (source === "") throw badMount(text, "no source", "source=PATH");
  // What -v takes for a volume's name is a mistake here, as it is for docker.
  if (!/^[./]/.test(source)) throw badMount(text, "source is relative", "an absolute path, or one with ./");
  return {
    type: "bind",
    source: absolute(source),
    ...given("createSource", fields.on("create") || undefined),
    ...given("propagation", propagationOf(text, fields.text("propagation"))),
    ...given("recursive", recursiveOf(text, fields)),
  };
}

function propagationOf(text: string, value: string | undefined): Propagation | undefined {
  if (value === undefined || /^r?(?:private|slave|shared)$/.test(value)) return value as Propagation;
  throw badMount(text, `bind-propagation=${printable(value, 40)}`, "private, slave or shared, or r in front");
}

/** `readonly` asks for what `enabled` does here anyway: read-only all the way down. */
function recursiveOf(text: string, fields: MountFields): BindMount["recursive"] {
  if (fields.on("nonrecursive")) return "disabled";
  const value = fields.text("recursive");
  if (value === undefined || value === "enabled" || value === "disabled" || value === "writable")
    return value;
  if (value !== "readonly") {
    const observed = `bind-recursive=${printable(value, 40)}`;
    throw badMount(text, observed, "enabled, disabled, writable or readonly");
  }
  if (!fields.on("readonly")) throw badMount(text, "bind-recursive=readonly without readonly", "both");
  return "enabled";
}

function volumeOf(text: string, fields: MountFields): Without<VolumeMount> {
  const driver = fields.text("driver") ?? "local";
  if (driver !== "local") throw badMount(text, `volume-driver=${printable(driver, 40)}`, "local");
  const name = fields.text("source");
  return {
    type: "volume",
    ...given("name", name === "" ? undefined : name),
    ...given("noCopy", fields.on("nocopy") || undefined),
    ...given("subpath", fields.text("subpath")),
    ...given("labels", Object.keys(fields.labels).length === 0 ? undefined : fields.labels),
  };
}

function tmpfsOf(text: string, fields: MountFields): Without<TmpfsMount> {
  if (fields.text("source") !== undefined) throw badMount(text, "a tmpfs has no source", "type and target");
  const size = fields.text("size");
  const mode = fields.text("mode");
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) {
    throw badMount(text, `tmpfs-mode=${printable(mode, 40)}`, "an octal mode such as 1770");
  }
  const options = [
    ...(size === undefined ? [] : [`size=${parseSize("--mount tmpfs-size", size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
  return { type: "tmpfs", ...given("options", options.length === 0 ? undefined : options) };
}
