import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createContext, type Context } from "../../src/api/context.js";
import { writeState, type ContainerState } from "../../src/api/containers/state.js";
import { reserveName } from "../../src/api/containers/names.js";
import type { Digest } from "../../src/core/digest.js";
import type { StorePaths } from "../../src/store/layout.js";
import { testContext } from "./context.js";

/** A store with containers that only their directories know of: nothing was ever run. */
export interface MadeStore {
  readonly context: Context;
  readonly paths: StorePaths;
  /** Makes a container's directory; `status` is its file's text. */
  add(id: string, state?: Partial<ContainerState>, status?: string): Promise<string>;
}

const digest = `sha256:${"ab".repeat(32)}` as Digest;

export async function madeStore(): Promise<MadeStore> {
  const context = createContext(testContext());
  const { paths } = await context.store({ create: true });
  return {
    context,
    paths,
    async add(start, state = {}, status) {
      const id = start.padEnd(64, "0");
      const directory = path.join(paths.containers, id);
      mkdirSync(directory);
      await writeState(directory, { ...plainState(id), ...state });
      if (status !== undefined) writeFileSync(path.join(directory, "status"), status);
      if (state.name !== undefined)
        await reserveName(paths, await context.helper(), { name: state.name, id });
      return directory;
    },
  };
}

export function plainState(id: string): ContainerState {
  return {
    version: 1,
    id,
    created: "2026-01-02T03:04:05.678Z",
    image: { name: "alpine", id: digest, digest },
    command: ["/bin/sh"],
    options: { args: [], env: [], interactive: false, isolation: "namespaces", network: "none" },
    labels: {},
    autoRemove: false,
    detached: false,
    restart: { name: "no" },
    stopSignal: "SIGTERM",
    stopTimeout: 10,
  };
}

export const thisBoot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** What a supervisor would have written of this very process. */
export function ownStatus(): string {
  return statusOf(process.pid);
}

export function statusOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return `state running\npid ${pid}\nstart ${start}\nboot ${thisBoot}\nstarted 1767323045123456789\n`;
}
