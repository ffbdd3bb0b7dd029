import { LaunchError } from "../core/errors.js";
import type { Plan, PlanStep, Step } from "./plan.js";

type StepOf<K extends Step["kind"]> = Extract<Step, { readonly kind: K }>;

interface StepLayout<K extends Step["kind"]> {
  readonly number: number;
  /**
   * One letter per field: s string, b string that may hold NULs, i integer, S strings, P at least one string,
   * G integers or undefined. The table in helper/plan.h has the same letters (G is "iI" there: present, values).
   */
  readonly types: string;
  readonly fields: readonly Exclude<keyof StepOf<K>, "kind">[];
}

function layout<K extends Step["kind"]>(
  number: number,
  types: string,
  ...fields: StepLayout<K>["fields"]
): StepLayout<K> {
  return { number, types, fields };
}

/** How each step is written; its mirror is STEP_KINDS in helper/plan.h. */
export const stepLayouts: { readonly [K in Step["kind"]]: StepLayout<K> } = {
  hint: layout(1, "s", "text"),
  "make-dir": layout(2, "si", "path", "mode"),
  write: layout(3, "sb", "path", "data"),
  "write-either": layout(47, "sbsb", "path", "data", "otherwise", "otherwiseData"),
  lock: layout(4, "s", "path"),
  clone: layout(5, "issssS", "flags", "uidMap", "gidMap", "newuidmap", "newgidmap", "cgroupProcs"),
  unshare: layout(6, "i", "flags"),
  "private-mounts": layout(7, ""),
  "root-overlay": layout(8, "ssssP", "at", "upper", "work", "options", "lowers"),
  "root-bind": layout(9, "s", "path"),
  "root-dir": layout(10, "s", "path"),
  mount: layout(11, "sssis", "fstype", "source", "target", "flags", "data"),
  bind: layout(12, "ssi", "source", "target", "flags"),
  remount: layout(13, "si", "target", "flags"),
  mkdir: layout(14, "siii", "target", "mode", "uid", "gid"),
  mknod: layout(15, "siiiii", "target", "mode", "major", "minor", "uid", "gid"),
  symlink: layout(16, "ss", "text", "target"),
  file: layout(17, "sib", "target", "mode", "data"),
  mask: layout(18, "s", "target"),
  readonly: layout(19, "s", "target"),
  pivot: layout(20, ""),
  chroot: layout(21, ""),
  hostname: layout(22, "s", "name"),
  domainname: layout(23, "s", "name"),
  sysctl: layout(24, "ss", "key", "value"),
  rlimit: layout(25, "iii", "resource", "soft", "hard"),
  "oom-score": layout(26, "s", "value"),
  loopback: layout(27, ""),
  "session-keyring": layout(28, "s", "name"),
  "stdin-null": layout(29, ""),
  credentials: layout(
    30,
    "iiiiiiiG",
    "uid",
    "gid",
    "bounding",
    "permitted",
    "effective",
    "inheritable",
    "ambient",
    "groups",
  ),
  "no-new-privileges": layout(31, ""),
  umask: layout(32, "i", "mask"),
  "working-dir": layout(33, "s", "path"),
  environment: layout(34, "S", "entries"),
  exec: layout(35, "P", "argv"),
  "create-entries": layout(36, "iS", "fd", "tars"),
  sync: layout(71, ""),
  exit: layout(37, "i", "code"),
  cleanup: layout(38, ""),
  "remove-tree": layout(39, "s", "path"),
  "remove-cgroup": layout(40, "s", "path"),
  "copy-up": layout(60, "ss", "target", "volume"),
  "open-tree": layout(61, "issi", "tree", "source", "path", "recursive"),
  "attach-tree": layout(62, "isiii", "tree", "target", "flags", "topFlags", "propagation"),
  "read-tree": layout(63, "sii", "path", "fd", "options"),
  "write-tree": layout(64, "ssiii", "directory", "name", "fd", "uid", "gid"),
  "mount-erofs": layout(41, "ssS", "image", "at", "devices"),
  "device-filter": layout(46, "sb", "path", "program"),
  join: layout(50, "iii", "pid", "start", "namespaces"),
  seccomp: layout(51, "ib", "flags", "program"),
  "join-namespace": layout(52, "si", "path", "namespace"),
  created: layout(65, ""),
  program: layout(66, "bbP", "input", "otherwise", "argv"),
  daemon: layout(67, "isP", "ready", "log", "argv"),
  interface: layout(68, "ssis", "name", "address", "prefix", "gateway"),
  "reserve-port": layout(69, "isii", "protocol", "address", "port", "hold"),
  request: layout(70, "sbs", "path", "request", "expected"),
  init: layout(54, ""),
  seal: layout(55, ""),
  record: layout(42, "s", "directory"),
  terminal: layout(44, "iii", "uid", "console", "host"),
  "exit-text": layout(72, "siP", "path", "code", "texts"),
  "runtime-pid": layout(73, "s", "path"),
  "move-processes": layout(74, "ss", "from", "to"),
  "oom-file": layout(45, "ss", "path", "key"),
  supervise: layout(43, "siiiii", "directory", "logBytes", "terminal", "input", "restart", "retries"),
};

const optionalFlag = 1;

/**
 * The plan as the helper reads it; the format is described in helper/plan.h.
 * @throws LaunchError HELPER_FAILED for a string with a NUL in it, which C would silently cut
 */
export function encodePlan(plan: Plan): Buffer {
  return Buffer.concat([Buffer.from("PULLRUN1", "latin1"), ...plan.map(encodeStep)]);
}

function encodeStep(step: PlanStep): Buffer {
  const { number, types, fields } = stepLayouts[step.kind];
  const values = step as unknown as Readonly<Record<string, FieldValue>>;
  const encoded = fields.flatMap((field, index) =>
    encodeField(step.kind, types.charAt(index), values[field]),
  );
  const header = Buffer.alloc(8);
  header.writeUInt16LE(number, 0);
  header.writeUInt16LE(step.optional === true ? optionalFlag : 0, 2);
  header.writeUInt32LE(encoded.length, 4);
  return Buffer.concat([header, ...encoded]);
}

type FieldValue = string | Uint8Array | number | bigint | readonly (string | number)[] | undefined;

function encodeField(kind: string, type: string, value: FieldValue): Buffer[] {
  if (typeof value === "string") return [argument(text(kind, value, type === "b"))];
  if (value instanceof Uint8Array) return [argument(Buffer.from(value))];
  if (typeof value === "number" || typeof value === "bigint") return [argument(integer(value))];
  const list = (value ?? []).map((item) =>
    argument(typeof item === "string" ? text(kind, item, false) : integer(item)),
  );
  return type === "G" ? [argument(integer(value === undefined ? 0 : 1)), ...list] : list;
}

function text(kind: string, value: string, binary: boolean): Buffer {
  if (!binary && value.includes("\0")) {
    throw new LaunchError("HELPER_FAILED", `plan: ${kind}: string with a NUL character`);
  }
  return Buffer.from(value, "utf8");
}

function integer(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

function argument(bytes: Buffer): Buffer {
  const framed = Buffer.alloc(4 + bytes.length + 1);
  framed.writeUInt32LE(bytes.length, 0);
  bytes.copy(framed, 4);
  return framed;
}
