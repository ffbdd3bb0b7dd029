import { Worker } from "node:worker_threads";
import { errorFromData } from "../core/errors.js";
import { runIngest } from "./ingest-job.js";
import type { FromWorker, IngestJob, IngestResult, ToWorker } from "./ingest-protocol.js";

/** Worker threads for the layers of one pull. */
export interface IngestPool {
  /** Queues a job. Ends early with AbortError when the job's progress is aborted. */
  run(job: IngestJob): Promise<IngestResult>;
  /** Stops the threads; jobs still running fail. */
  close(): Promise<void>;
}

export interface PoolOptions {
  /** Most threads at once; they are started when first needed. */
  readonly size: number;
  /** The bundled ingest-worker.ts. */
  readonly worker?: URL | undefined;
}

/** A smaller layer is done here at once. */
const inlineBytes = 64 * 1024;
/** As much of larger ones takes no longer here than starting threads for it, some 40 ms of a processor for each. */
const inlineTotal = 3 * 1024 * 1024;

interface Pending {
  readonly job: IngestJob;
  resolve(result: IngestResult): void;
  reject(error: unknown): void;
}

interface PoolState {
  readonly url: URL;
  readonly size: number;
  readonly workers: Set<Worker>;
  /** Of these, the ones that do not run yet. */
  readonly starting: Set<Worker>;
  readonly idle: Worker[];
  readonly queue: Pending[];
  /** Compressed bytes of the layers above {@link inlineBytes} that were done without a thread. */
  inlined: number;
}

export function createPool({ size, worker }: PoolOptions): IngestPool {
  const url = worker ?? new URL("./ingest-worker.js", import.meta.url);
  const state: PoolState = {
    url,
    size: Math.max(1, size),
    workers: new Set(),
    starting: new Set(),
    idle: [],
    queue: [],
    inlined: 0,
  };
  return {
    async run(job) {
      if (isDoneHere(state, job)) return runIngest(job);
      return new Promise((resolve, reject) => {
        state.queue.push({ job, resolve, reject });
        dispatch(state);
      });
    },
    async close() {
      await Promise.all([...state.workers].map((thread) => thread.terminate()));
    },
  };
}

function isDoneHere(state: PoolState, { size }: IngestJob): boolean {
  if (size <= inlineBytes) return true;
  if (state.workers.size > 0 || state.inlined + size > inlineTotal) return false;
  state.inlined += size;
  return true;
}

function dispatch(state: PoolState): void {
  for (let thread = state.idle.pop(); thread !== undefined; thread = state.idle.pop()) {
    const pending = takeBiggest(state.queue);
    if (pending === undefined) {
      state.idle.push(thread);
      return;
    }
    assign(state, thread, pending);
  }
  while (state.workers.size < state.size && state.starting.size < state.queue.length) start(state);
}

/** The one that takes longest must not begin last. */
function takeBiggest(queue: Pending[]): Pending | undefined {
  const biggest = Math.max(...queue.map(({ job }) => job.size));
  const at = queue.findIndex(({ job }) => job.size === biggest);
  return at < 0 ? undefined : queue.splice(at, 1)[0];
}

/** A thread chooses its first job when it runs: until then the jobs that come along with the first one have arrived too. */
function start(state: PoolState): void {
  // The worker only inflates, hashes and writes: it needs no environment and none of our flags. A small young
  // generation frees its 1 MiB buffers sooner: 135 MB instead of 170 for the whole process, at the same speed.
  const resourceLimits = { maxYoungGenerationSizeMb: 4 };
  const thread = new Worker(state.url, { env: {}, execArgv: [], resourceLimits });
  state.workers.add(thread);
  state.starting.add(thread);
  const fail = (error: unknown): void => {
    state.workers.delete(thread);
    state.starting.delete(thread);
    if (state.workers.size === 0) for (const { reject } of state.queue.splice(0)) reject(error);
  };
  thread.once("error", fail);
  thread.once("online", () => {
    thread.off("error", fail);
    state.starting.delete(thread);
    state.idle.push(thread);
    dispatch(state);
  });
}

function assign(state: PoolState, thread: Worker, { job, resolve, reject }: Pending): void {
  const lose = (error: unknown): void => {
    state.workers.delete(thread);
    reject(error);
    dispatch(state);
  };
  const onExit = (code: number): void => lose(new Error(`ingest worker ended with code ${code}`));
  thread.once("error", lose);
  thread.once("exit", onExit);
  thread.once("message", (reply: FromWorker) => {
    thread.off("error", lose).off("exit", onExit);
    settle(reply, resolve, reject);
    state.idle.push(thread);
    dispatch(state);
  });
  thread.postMessage({ type: "ingest", job } satisfies ToWorker);
}

function settle(
  reply: FromWorker,
  resolve: (result: IngestResult) => void,
  reject: (error: unknown) => void,
): void {
  if (reply.type === "done") resolve(reply.result);
  else if (reply.type === "failed") reject(errorFromData(reply.error));
  else reject(new Error(`ingest worker crashed: ${reply.stack}`));
}
