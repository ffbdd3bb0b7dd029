import { writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import type { PlanStep } from "../../helper/plan.js";
import type { ContainerFile } from "../../launch/container-files.js";
import { noNetworkSteps, type NetworkSteps } from "../../launch/network/steps.js";
import type { RunOptions } from "../../launch/run-options.js";
import type { Launch } from "../containers/launch.js";
import { writeState, type ContainerNetwork, type ContainerState } from "../containers/state.js";
import type { Context } from "../context.js";
import { nameFiles, type NameFilesInput } from "./name-files.js";

/** A container's place in a network, taken for one start of it. */
export interface Attachment extends Pick<NameFilesInput, "address" | "hostGateway" | "neighbours"> {
  readonly steps: NetworkSteps;
  readonly network?: ContainerNetwork;
  readonly ports?: ContainerState["ports"];
}

/**
 * Gives a container that is about to start its place in its network: an address, ports, /etc/hosts and resolv.conf.
 * What cannot be taken without the container is steps of its plan. @throws LaunchError, UsageError
 */
export async function attachNetwork(context: Context, launch: Launch): Promise<Launch> {
  const { options } = launch.state;
  const attachment = await attach(context, launch);
  const files = nameFiles(context, { ...attachment, options, hostname: launch.spec.hostname ?? hostname() });
  for (const { name, content } of files) await writeFile(path.join(launch.directory, name), content);
  const { steps, network, ports } = attachment;
  const state = {
    ...launch.state,
    ...(network === undefined ? {} : { network, ports: ports ?? [] }),
  };
  if (network !== undefined) await writeState(launch.directory, state);
  return {
    ...launch,
    state,
    files: replaced(launch.files, files),
    network: { ...steps, child: [...steps.child, ...domainSteps(options)] },
  };
}

async function attach(context: Context, launch: Launch): Promise<Attachment> {
  switch (launch.state.options.network) {
    case "bridge":
      return (await import("./attach-bridge.js")).attachBridge(context, launch);
    case "pasta":
    case "slirp4netns":
      return (await import("./attach-user.js")).attachUserNetwork(launch);
    case "host":
      return { steps: noNetworkSteps, address: "127.0.0.1", hostGateway: "127.0.0.1", neighbours: [] };
    case "none":
      return { steps: noNetworkSteps, address: "127.0.0.1", hostGateway: undefined, neighbours: [] };
    default:
      return attachJoined(context, launch);
  }
}

/** Of `container:` the files are that container's; in a namespace of somebody else's there is no telling the address. */
async function attachJoined(context: Context, { state }: Launch): Promise<Attachment> {
  const { joinSteps } = await import("./joined.js");
  const host = await joinSteps(context, state.options.network);
  return {
    steps: { ...noNetworkSteps, host },
    address: "127.0.0.1",
    hostGateway: undefined,
    neighbours: [],
  };
}

function domainSteps({ domainname }: RunOptions): PlanStep[] {
  return domainname === undefined ? [] : [{ kind: "domainname", name: domainname }];
}

function replaced(files: readonly ContainerFile[], by: readonly ContainerFile[]): ContainerFile[] {
  return files.map((file) => by.find(({ name }) => name === file.name) ?? file);
}
