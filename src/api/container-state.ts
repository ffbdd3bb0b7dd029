import path from "node:path";
import type { DiffId, Digest } from "../core/digest.js";

/** What a container's directory says about it, written before it starts. */
export interface ContainerState {
  /** Of the root file system it runs on; none in chroot isolation, which has a copy of its own. */
  readonly chainId?: Digest;
  /** The layers of that root file system, bottom first. */
  readonly diffIds?: readonly DiffId[];
}

export function statePath(containerDir: string): string {
  return path.join(containerDir, "state.json");
}

/** Locked by a container's supervisor as long as it lives. */
export function lockPath(containerDir: string): string {
  return path.join(containerDir, "lock");
}
