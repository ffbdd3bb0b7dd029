/** Entry point of the ingest worker thread: runs one job after the other as pool.ts hands them out. */
import { parentPort } from "node:worker_threads";
import { errorToData, PullrunError } from "../core/errors.js";
import { runIngest } from "./ingest-job.js";
import type { FromWorker, IngestJob, ToWorker } from "./ingest-protocol.js";

parentPort?.on("message", (message: ToWorker) => {
  void answer(message.job).then((reply) => parentPort?.postMessage(reply));
});

async function answer(job: IngestJob): Promise<FromWorker> {
  try {
    return { type: "done", result: await runIngest(job) };
  } catch (error) {
    if (error instanceof PullrunError) return { type: "failed", error: errorToData(error as PullrunError) };
    return {
      type: "crashed",
      stack: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}
