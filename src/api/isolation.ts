import { probeNamespaces } from "../helper/probe.js";
import type { Context } from "./context.js";

/** Why containers cannot have namespaces here, or undefined if they can: found by trying. */
export async function missingForNamespaces(context: Context): Promise<string | undefined> {
  return probeNamespaces(await context.helper(), await context.privilege(), context.signal);
}
