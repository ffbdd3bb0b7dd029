import { UsageError } from "../../core/errors.js";
import { checkName } from "../../launch/options/life.js";
import type { Context } from "../context.js";
import { findContainer } from "./find.js";
import { nameOf, releaseName, reserveName } from "./names.js";
import { writeState } from "./state.js";

/** Gives a container another name; the old one is free from then on. @throws StoreError LOCKED, UsageError BAD_VALUE */
export async function renameContainer(context: Context, word: string, name: string): Promise<void> {
  checkName("rename", name);
  const { id, directory, state, phase } = await findContainer(context, word);
  if (nameOf(state) === name) {
    throw new UsageError("BAD_VALUE", `rename: ${name}: the container has that name already`);
  }
  const { paths } = await context.store({ create: false });
  await reserveName(paths, await context.helper(), { name, id });
  await writeState(directory, { ...state, name });
  // The supervisor of a container that goes when it ends frees the name it knew at the start: it must still be its own.
  const freedAtEnd = state.autoRemove && phase !== "created";
  if (state.name !== undefined && !freedAtEnd) await releaseName(paths, { name: state.name, id });
}
