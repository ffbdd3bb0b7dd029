import { readFile } from "node:fs/promises";
import { LaunchError, UsageError } from "../../core/errors.js";
import { cloneFlags } from "../../helper/constants.js";
import type { PlanStep } from "../../helper/plan.js";
import { joinedContainer, joinedNamespace, type NetworkMode } from "../../launch/options/network.js";
import type { Spec } from "../../launch/oci-spec.js";
import type { Container } from "../containers/container.js";
import { specFile } from "../containers/directory.js";
import { findContainer } from "../containers/find.js";
import { nameOf } from "../containers/names.js";
import type { Context } from "../context.js";

/**
 * `container:NAME` with the whole id; the mode of that container where it shares a network itself.
 * @throws StoreError NOT_FOUND
 */
export async function resolveJoined(context: Context, mode: NetworkMode): Promise<NetworkMode> {
  const word = joinedContainer(mode);
  if (word === undefined) return mode;
  const { id, state } = await findContainer(context, word);
  const { network } = state.options;
  const shares = network === "host" || joinedContainer(network) !== undefined;
  return shares || joinedNamespace(network) !== undefined ? network : `container:${id}`;
}

/** The host name of the container whose network is shared, which it shares too. */
export async function joinedHostname(context: Context, mode: NetworkMode): Promise<string | undefined> {
  const id = joinedContainer(mode);
  if (id === undefined) return undefined;
  const { directory } = await findContainer(context, id);
  return (JSON.parse(await readFile(specFile(directory), "utf8")) as Spec).hostname;
}

/** The steps that enter the network of a running container, or the namespace at a path. @throws LaunchError NOT_RUNNING */
export async function joinSteps(context: Context, mode: NetworkMode): Promise<PlanStep[]> {
  const path = joinedNamespace(mode);
  if (path !== undefined) return [{ kind: "join-namespace", path, namespace: cloneFlags.CLONE_NEWNET }];
  const id = joinedContainer(mode);
  if (id === undefined) return [];
  const container = await findContainer(context, id);
  const { pid, status } = container;
  if (pid === 0 || status === undefined) throw notRunning(container);
  // A user namespace owns the network namespaces made in it: whoever enters the one has to be in the other.
  if (container.state.userns !== context.userns) throw otherIds(container);
  const user = (await context.privilege()).kind === "root" ? 0 : cloneFlags.CLONE_NEWUSER;
  return [{ kind: "join", pid, start: BigInt(status.start), namespaces: cloneFlags.CLONE_NEWNET | user }];
}

function otherIds({ state }: Container): UsageError {
  const name = nameOf(state);
  return new UsageError(
    "BAD_FLAG",
    `--network container:${name}: its user namespace has other ids (expected the same --userns)`,
    { hint: `it was made with --userns ${state.userns ?? "host"}: give the same` },
  );
}

function notRunning({ state, phase }: Container): LaunchError {
  const name = nameOf(state);
  return new LaunchError(
    "NOT_RUNNING",
    `network: container ${name}: it is ${phase}, and has no network now (expected running)`,
    { hint: `start it first: pullrun start ${name}` },
  );
}
