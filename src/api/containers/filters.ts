import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { parseContainerPorts } from "../../launch/network/ports.js";
import type { Container } from "./container.js";
import { nameOf } from "./names.js";

/** Whether a container is to be listed. */
export type ContainerFilter = (container: Container) => boolean;

type MakeFilter = (value: string, all: readonly Container[]) => ContainerFilter;

/** Docker's. A Map: names come from the user. */
const makers = new Map<string, MakeFilter>([
  [
    "id",
    (value) =>
      ({ id }) =>
        id.startsWith(value),
  ],
  ["name", nameFilter],
  ["status", statusFilter],
  ["label", labelFilter],
  ["ancestor", ancestorFilter],
  ["exited", exitedFilter],
  [
    "network",
    (value) =>
      ({ state }) =>
        state.options.network === value,
  ],
  ["volume", volumeFilter],
  ["publish", portFilter],
  // No container here has a health check.
  ["health", (value) => () => value === "none"],
  ["before", (value, all) => timeFilter(value, all, (created, limit) => created < limit)],
  ["since", (value, all) => timeFilter(value, all, (created, limit) => created > limit)],
]);

const hint = `there are: ${[...makers.keys()].map((key) => `${key}=…`).join(", ")}`;

/**
 * `KEY=VALUE`s. Of several with the same key one has to fit, but every label; of different keys all.
 * @throws UsageError BAD_VALUE
 */
export function containerFilter(texts: readonly string[], all: readonly Container[]): ContainerFilter {
  const byKey = new Map<string, ContainerFilter[]>();
  for (const text of texts) {
    const sign = text.indexOf("=");
    const key = text.slice(0, Math.max(sign, 0));
    const make = makers.get(key);
    if (make === undefined)
      throw new UsageError("BAD_VALUE", `--filter: ${printable(text, 60)}: no such filter`, { hint });
    byKey.set(key, [...(byKey.get(key) ?? []), make(text.slice(sign + 1), all)]);
  }
  return (container) =>
    [...byKey].every(([key, filters]) =>
      key === "label" ? filters.every((fits) => fits(container)) : filters.some((fits) => fits(container)),
    );
}

/** A regular expression that may match anywhere. */
function nameFilter(value: string): ContainerFilter {
  try {
    const pattern = new RegExp(value);
    return ({ state }) => pattern.test(nameOf(state));
  } catch (error) {
    throw new UsageError("BAD_VALUE", `--filter: name=${printable(value, 60)}: not a pattern`, {
      cause: error,
    });
  }
}

const states = ["created", "running", "paused", "restarting", "exited"];
/** Docker has them too: no container is ever found in one. */
const foreignStates = ["removing", "dead"];

function statusFilter(value: string): ContainerFilter {
  if (states.includes(value) || foreignStates.includes(value)) return ({ phase }) => phase === value;
  const message = `--filter: status=${printable(value, 60)}: no state (expected ${states.join(", ")})`;
  throw new UsageError("BAD_VALUE", message);
}

function labelFilter(value: string): ContainerFilter {
  const sign = value.indexOf("=");
  const key = sign < 0 ? value : value.slice(0, sign);
  return ({ state: { labels } }) =>
    Object.hasOwn(labels, key) && (sign < 0 || labels[key] === value.slice(sign + 1));
}

/** The image as it was named, with or without tag, or its id or the beginning of it. */
function ancestorFilter(value: string): ContainerFilter {
  const hex = value.replace(/^sha256:/, "");
  const isId = /^[0-9a-f]{4,64}$/.test(hex);
  return ({ state: { image } }) =>
    image.name === value ||
    image.name === `${value}:latest` ||
    `${image.name}:latest` === value ||
    (isId && (image.id.startsWith(`sha256:${hex}`) || image.digest === value));
}

function exitedFilter(value: string): ContainerFilter {
  if (!/^[0-9]{1,3}$/.test(value))
    throw new UsageError("BAD_VALUE", `--filter: exited=${printable(value, 60)}: not an exit status`);
  return ({ phase, exitCode }) => phase === "exited" && exitCode === Number(value);
}

/** A volume by its name, any mount by where it is in the container. */
function volumeFilter(value: string): ContainerFilter {
  return ({ state: { mounts = [] } }) =>
    mounts.some((mount) => mount.target === value || (mount.type === "volume" && mount.name === value));
}

/** Docker's `PORT[-LAST][/tcp|udp]`, a port of the container. */
function portFilter(value: string): ContainerFilter {
  const wanted = parseContainerPorts("--filter: publish", value);
  return ({ state: { ports = [] } }) =>
    ports.some(({ containerPort, protocol }) =>
      wanted.some((one) => one.port === containerPort && one.protocol === protocol),
    );
}

function timeFilter(
  value: string,
  all: readonly Container[],
  compare: (created: string, limit: string) => boolean,
): ContainerFilter {
  const other = all.find(({ id, state }) => id.startsWith(value) || nameOf(state) === value);
  if (other === undefined)
    throw new UsageError("BAD_VALUE", `--filter: ${printable(value, 60)}: no such container`);
  return ({ state }) => compare(state.created, other.state.created);
}
