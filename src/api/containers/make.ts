import { writeFile } from "node:fs/promises";
import type { Context } from "../context.js";
import { createContainer, type CreateRequest } from "./create.js";
import { statusFile } from "./directory.js";

/** Makes a container that is not started yet, and returns its id. */
export async function makeContainer(context: Context, request: CreateRequest): Promise<string> {
  return createContainer(context, request, async ({ directory, state }) => {
    // Even if it is to go when it ends: without this it looks like a `run` that was killed before it got so far.
    await writeFile(statusFile(directory), "state created\n", { mode: 0o600 });
    return state.id;
  });
}
