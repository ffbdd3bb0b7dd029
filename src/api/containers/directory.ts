import path from "node:path";

/** The files of a container's directory, besides those that are mounted into it. */

export function stateFile(directory: string): string {
  return path.join(directory, "state.json");
}

/** The OCI runtime spec. */
export function specFile(directory: string): string {
  return path.join(directory, "config.json");
}

/** The plan as the helper reads it, made anew for every start. */
export function planFile(directory: string): string {
  return path.join(directory, "plan");
}

/** Locked by a container's supervisor as long as it lives. */
export function lockFile(directory: string): string {
  return path.join(directory, "lock");
}

/** Written by the supervisor: see status.ts. */
export function statusFile(directory: string): string {
  return path.join(directory, "status");
}

/** Where the supervisor of a container in the background takes clients. */
export function attachSocket(directory: string): string {
  return path.join(directory, "attach");
}
