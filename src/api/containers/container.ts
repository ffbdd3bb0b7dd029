import type { Helper } from "../../helper/helper.js";
import { isLocked } from "../../store/lock.js";
import { lockFile } from "./directory.js";
import { findFreezer } from "./freezer.js";
import { bootId, isAlive } from "./process.js";
import { readState, type ContainerState } from "./state.js";
import { readStatus, type Status } from "./status.js";

/** Docker's words for it. `restarting`: its supervisor waits before it starts it again. */
export type Phase = "created" | "running" | "paused" | "restarting" | "exited";

/** Whether somebody is to be ended before it is gone: a supervisor also waits to start its container again. */
export function isUp(phase: Phase): boolean {
  return phase === "running" || phase === "paused" || phase === "restarting";
}

/** A container as it is now. */
export interface Container {
  readonly id: string;
  /** Absolute. */
  readonly directory: string;
  readonly state: ContainerState;
  readonly phase: Phase;
  /** Its first process; 0 unless it is running or paused. */
  readonly pid: number;
  /** Of the last end, and 0 before there was one, as docker has it. */
  readonly exitCode: number;
  readonly status: Status | undefined;
}

/** 128+9: whoever knew how it ended was killed as well. */
const killedStatus = 137;
/** Docker's for a container that was running when the machine went down. */
const lostStatus = 255;

/** The container in `directory`, or undefined if there is none: half made, or gone. @throws StoreError CORRUPT */
export async function readContainer(helper: Helper, directory: string): Promise<Container | undefined> {
  const state = await readState(directory);
  if (state === undefined) return undefined;
  const status = await readStatus(directory);
  return { id: state.id, directory, state, ...(await lookAt(helper, { directory, status, id: state.id })) };
}

interface Looked {
  readonly status: Status | undefined;
  readonly phase: Phase;
  readonly pid: number;
  readonly exitCode: number;
}

interface LookRequest {
  readonly id: string;
  readonly directory: string;
  readonly status: Status | undefined;
}

/**
 * The status is the supervisor's last word, and the supervisor may have been killed or the machine restarted since. Its
 * lock is the truth about that; asking takes a process, so only what the status leaves open is asked.
 */
async function lookAt(helper: Helper, { id, directory, status }: LookRequest): Promise<Looked> {
  if (status?.state === "running" && (await isAlive(status))) {
    const { pid } = status;
    const freezer = await findFreezer({ id, pid });
    return { phase: (await freezer?.frozen()) === true ? "paused" : "running", status, pid, exitCode: 0 };
  }
  const supervised = await isLocked(helper, lockFile(directory));
  if (status === undefined || status.state === "created") {
    return { status, phase: supervised ? "running" : "created", pid: 0, exitCode: status?.exit ?? 0 };
  }
  if (supervised) return { status, phase: "restarting", pid: 0, exitCode: status.exit ?? 0 };
  // It may have ended, and written so, after we read: with its lock free, what is there now is the last word.
  const last = (await readStatus(directory)) ?? status;
  return { status: last, phase: "exited", pid: 0, exitCode: await lastExit(last) };
}

async function lastExit(status: Status): Promise<number> {
  if (status.state === "exited") return status.exit ?? 0;
  return status.boot === (await bootId()) ? killedStatus : lostStatus;
}
