import type { Context } from "../context.js";
import { startContainer } from "./start.js";
import { stopContainer, type StopOptions } from "./stop.js";

/** Ends a container, if it runs, and starts it again in the background. @throws StoreError NOT_FOUND, LaunchError */
export async function restartContainer(context: Context, word: string, options: StopOptions): Promise<void> {
  await stopContainer(context, word, options);
  await startContainer(context, word);
}
