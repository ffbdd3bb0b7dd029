import { createContext, type Context } from "../context.js";
import type { ContainerState } from "./state.js";

/** The context with the ids the container was made with: its files have owners by then. */
export function withIdsOf(
  context: Context,
  { squashIds, userns }: Pick<ContainerState, "squashIds" | "userns">,
): Context {
  if (squashIds === undefined && userns === undefined) return context;
  return createContext({ ...context, squashIds: squashIds ?? false, userns });
}
