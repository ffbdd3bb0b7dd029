import { StoreError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Context } from "../../api/context.js";
import { forEachWord } from "../each.js";
import { inspectionContext, printFound } from "../inspection.js";
import type { Flags, Invocation } from "../command.js";
import { stdout } from "../output.js";

/** Shows what it finds, and complains of the rest. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  if (flags.on("raw")) {
    const { rawConfig } = await import("../../api/inspect.js");
    return forEachWord(invocation, args, async (image) => {
      stdout().write(await rawConfig(context, image));
      return null;
    });
  }
  const found: Record<string, unknown>[] = [];
  const status = await forEachWord(invocation, args, async (word) => {
    found.push(await inspectWord(context, word, flags));
    return null;
  });
  await printFound(invocation, found);
  return status;
}

/** As docker: a container of that name or id goes before an image. */
async function inspectWord(context: Context, word: string, flags: Flags): Promise<Record<string, unknown>> {
  const type = flags.text("type");
  if (type !== "image") {
    const { inspectContainer } = await import("../../api/containers/inspect.js");
    const container = await inspectContainer(context, word).catch((error: unknown) => {
      if (type === "container" || !isAbsent(error)) throw error;
    });
    if (container !== undefined) return container;
  }
  const { inspectImage } = await import("../../api/inspect.js");
  const { dockerView } = await import("../../api/inspect-docker.js");
  const image = await inspectImage(context, word).catch((error: unknown) => {
    throw type !== "image" && isAbsent(error) ? neither(word) : error;
  });
  return dockerView(image);
}

function isAbsent(error: unknown): boolean {
  return error instanceof StoreError && error.code === "NOT_FOUND";
}

function neither(word: string): StoreError {
  return new StoreError("NOT_FOUND", `inspect: ${printable(word, 100)}: no such container or image`, {
    hint: "`pullrun ps -a` and `pullrun images` list what is there",
  });
}
