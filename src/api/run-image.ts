import { hostPlatform } from "../core/platform.js";
import type { RunOptions } from "../launch/run-options.js";
import { readLogs } from "./containers/logs.js";
import { removeContainer } from "./containers/remove.js";
import { waitForContainer } from "./containers/wait.js";
import type { Context } from "./context.js";
import type { ImageRequest } from "./ensure-image.js";
import { prepareRun, runDetached } from "./run.js";

/** All but the image may be left out, and then is as for `pullrun run`. */
export interface RunImageRequest extends Partial<ImageRequest>, Partial<RunOptions> {
  readonly image: string;
}

export interface FinishedRun {
  /** As a shell has it: 128+n where signal n ended it. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * Runs an image to its end in a container that is removed again, pulling it if need be. What it writes is kept up to
 * twice 10 MiB; its input is empty. If the context's signal aborts, the container is killed.
 * @throws LaunchError EXEC_NOT_FOUND, EXEC_DENIED, NO_USERNS, …; what `pull` throws
 */
export async function run(context: Context, request: RunImageRequest): Promise<FinishedRun> {
  const { image, platform, platformGiven, pull, ...options } = request;
  const prepared = await prepareRun(context, {
    image,
    platform: platform ?? hostPlatform(),
    platformGiven: platformGiven ?? platform !== undefined,
    pull: pull ?? "missing",
    options: { ...usual, ...options },
    life: { labels: {}, autoRemove: false, detached: true },
  });
  const id = prepared.containerId;
  try {
    await runDetached(context, prepared);
    const exitCode = await waitForContainer(context, id);
    return { exitCode, ...(await outputOf(context, id)) };
  } finally {
    await removeContainer(context, id, { force: true, volumes: true });
  }
}

const usual: RunOptions = {
  args: [],
  env: [],
  interactive: false,
  isolation: "namespaces",
  network: "default",
  readOnly: false,
};

async function outputOf(context: Context, id: string): Promise<Pick<FinishedRun, "stdout" | "stderr">> {
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for await (const { stream, text } of readLogs(context, id, { follow: false })) written[stream].push(text);
  return { stdout: Buffer.concat(written.stdout), stderr: Buffer.concat(written.stderr) };
}
