import { diskBytes } from "../../store/inventory.js";
import path from "node:path";
import type { PlacedMount } from "../../launch/mounts.js";
import type { Context } from "../context.js";
import { isUp, type Container, type Phase } from "./container.js";
import { allContainers } from "./find.js";
import { containerFilter } from "./filters.js";
import { nameOf } from "./names.js";
import { portTexts } from "./ports.js";

export interface ListRequest {
  /** Stopped and new ones too. */
  readonly all: boolean;
  /** Only as many of the newest, whatever their state. */
  readonly last?: number;
  /** `KEY=VALUE`: see filters.ts. */
  readonly filters: readonly string[];
  /** Find out how much they have written. */
  readonly sizes: boolean;
}

export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly command: readonly string[];
  /** ISO 8601, as the following. */
  readonly created: string;
  readonly started?: string;
  readonly finished?: string;
  readonly state: Phase;
  readonly exitCode: number;
  readonly pid: number;
  readonly labels: Readonly<Record<string, string>>;
  /** As docker writes them: `127.0.0.1:8080->80/tcp`. */
  readonly ports: readonly string[];
  readonly network: string;
  /** Volumes by name, what else is mounted by its path on this machine. */
  readonly mounts: readonly string[];
  /** Bytes on disk that it wrote over its image. */
  readonly size?: number;
}

/** Newest first. @throws UsageError BAD_VALUE for a filter */
export async function listAll(context: Context, request: ListRequest): Promise<readonly ContainerSummary[]> {
  const all = await allContainers(context);
  const fits = containerFilter(request.filters, all);
  const wanted = all.filter((container) => isShown(container, request) && fits(container));
  const found = request.last === undefined ? wanted : wanted.slice(0, request.last);
  return Promise.all(found.map((container) => summaryOf(container, request)));
}

/** A filter by state asks for stopped ones as well. */
function isShown({ phase }: Container, { all, last, filters }: ListRequest): boolean {
  const byState = filters.some((filter) => /^(status|exited)=/.test(filter));
  return all || last !== undefined || byState || isUp(phase);
}

async function summaryOf(container: Container, { sizes }: ListRequest): Promise<ContainerSummary> {
  const { id, directory, state, phase, exitCode, pid, status } = container;
  return {
    id,
    name: nameOf(state),
    image: state.image.name,
    imageId: state.image.id,
    command: state.command,
    created: state.created,
    ...(status?.started === undefined ? {} : { started: status.started }),
    ...(status?.finished === undefined || phase !== "exited" ? {} : { finished: status.finished }),
    state: phase,
    exitCode,
    pid,
    labels: state.labels,
    // Nothing is published for one that does not run, whatever it will ask for again.
    ports: phase === "running" || phase === "paused" ? portTexts(state) : [],
    network: state.options.network,
    mounts: (state.mounts ?? []).flatMap(mountText),
    ...(sizes ? { size: await diskBytes(path.join(directory, "upper")) } : {}),
  };
}

function mountText(mount: PlacedMount): string[] {
  if (mount.type === "volume") return [mount.name];
  return mount.type === "bind" ? [mount.source] : [];
}
