import { StoreError } from "../../core/errors.js";
import type { Context } from "../../api/context.js";
import { inspectionContext } from "../inspection.js";
import type { Flags, Invocation } from "../command.js";
import { stdout } from "../output.js";
import { formatJson } from "../render/json.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  if (flags.on("raw")) {
    const { rawConfig } = await import("../../api/inspect.js");
    for (const image of args) stdout().write(await rawConfig(context, image));
    return 0;
  }
  const found = [];
  for (const word of args) found.push(await inspectWord(context, word, flags));
  const template = flags.text("format");
  if (template === undefined) invocation.print(formatJson(found));
  else {
    const { formatValue } = await import("../format.js");
    for (const value of found) invocation.print(formatValue(template, value));
  }
  return 0;
}

/** As docker: a container of that name or id goes before an image. */
async function inspectWord(context: Context, word: string, flags: Flags): Promise<unknown> {
  const type = flags.text("type");
  if (type !== "image") {
    const { inspectContainer } = await import("../../api/containers/inspect.js");
    const container = await inspectContainer(context, word).catch((error: unknown) => {
      const isAbsent = error instanceof StoreError && error.code === "NOT_FOUND";
      if (type === "container" || !isAbsent) throw error;
    });
    if (container !== undefined) return container;
  }
  const { inspectImage } = await import("../../api/inspect.js");
  const image = await inspectImage(context, word);
  if (flags.text("format") === undefined) return image;
  const { dockerView } = await import("../../api/inspect-docker.js");
  return dockerView(image);
}
