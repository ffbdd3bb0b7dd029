import { renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { DiffId, Digest } from "../../core/digest.js";
import { errnoOf, StoreError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { PlacedMount } from "../../launch/mounts.js";
import type { PublishedPort } from "../../launch/network/ports.js";
import type { RestartPolicy, Stream } from "../../launch/options/life.js";
import type { RunOptions } from "../../launch/run-options.js";
import { atomicWrite } from "../../store/files.js";
import { stateFile } from "./directory.js";

/** What a container's directory says about it (`state.json`), written before it starts; `config.json` has the spec. */
export interface ContainerState {
  readonly version: 1;
  readonly id: string;
  /** Taken with the name's reservation; without it the container answers to the name its id stands for. */
  readonly name?: string;
  /** ISO 8601. */
  readonly created: string;
  readonly image: ContainerImage;
  /** Entrypoint and arguments, as they are run. */
  readonly command: readonly string[];
  /** As it was asked for: what plans are made from besides the spec. */
  readonly options: RunOptions;
  /** The image's, and the user's over them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly autoRemove: boolean;
  /** It was made to run without anybody watching: its standard input stays open when a client goes. */
  readonly detached: boolean;
  /** The streams it was made to have attached, where some were named. */
  readonly attach?: readonly Stream[];
  readonly restart: RestartPolicy;
  /** Name or number. */
  readonly stopSignal: string;
  /** Seconds; -1: SIGKILL never follows. */
  readonly stopTimeout: number;
  /** Where it was chosen; 0: no log. */
  readonly logBytes?: number;
  /** It has no id but its user's: see ContextOptions. */
  readonly squashIds?: true;
  /** Its ids are not the usual ones: the same. */
  readonly userns?: string;
  /** Where its ports are published, and its address: as it was started last. */
  readonly ports?: readonly PublishedPort[];
  readonly network?: ContainerNetwork;
  /** What was asked for and the image's VOLUMEs, with the volumes that were made for them. */
  readonly mounts?: readonly PlacedMount[];
  /** Of the root file system it runs on; none in chroot isolation, which has a copy of its own. */
  readonly chainId?: Digest;
  /** The layers of that root file system, bottom first. */
  readonly diffIds?: readonly DiffId[];
}

/** On the bridge, or behind pasta or slirp4netns. */
export interface ContainerNetwork {
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  /** "" where it is not ours to say. */
  readonly mac: string;
}

export interface ContainerImage {
  /** As the user named it. */
  readonly name: string;
  /** The config's digest. */
  readonly id: Digest;
  readonly digest: Digest;
  /** What its config says, where it says so. */
  readonly entrypoint?: readonly string[];
  readonly user?: string;
  readonly exposedPorts?: readonly string[];
}

const version = 1;

/**
 * Whole or not at all. What is to outlast its end is made durable, which a container that goes with it is spared: that
 * takes longer than the rest of its start.
 */
export async function writeState(directory: string, state: ContainerState): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(state));
  const file = stateFile(directory);
  if (!state.autoRemove) return atomicWrite(file, bytes, 0o600);
  const temporary = path.join(directory, "state.tmp");
  writeFileSync(temporary, bytes, { mode: 0o600 });
  renameSync(temporary, file);
}

/** Undefined for a directory that has none: half made, or gone. @throws StoreError CORRUPT, SCHEMA_NEWER */
export async function readState(directory: string): Promise<ContainerState | undefined> {
  const text = await readFile(stateFile(directory), "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  });
  return text === undefined ? undefined : parseState(text, path.basename(directory));
}

/** Nobody but us writes it, so what counts is whether it is of our time. */
function parseState(text: string, id: string): ContainerState {
  const state = parsed(text);
  const found = state?.version ?? 0;
  if (state !== undefined && found === version && state.id === id) return state;
  const what = `container: ${printable(id.slice(0, 12), 20)}: its state.json`;
  if (found > version) {
    throw new StoreError("SCHEMA_NEWER", `${what} has version ${found} (expected ${version})`, {
      hint: "a newer pullrun made this container: use that one",
    });
  }
  throw new StoreError("CORRUPT", `${what} is damaged`, {
    hint: `remove the container with: pullrun rm -f ${printable(id.slice(0, 12))}`,
  });
}

function parsed(text: string): ContainerState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as ContainerState) : undefined;
  } catch {
    return undefined;
  }
}
