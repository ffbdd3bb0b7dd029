import { inspectionContext } from "../inspection.js";
import type { Invocation } from "../command.js";
import { stdout } from "../output.js";
import { formatJson } from "../render/json.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { inspectImage, rawConfig } = await import("../../api/inspect.js");
  if (flags.on("raw")) {
    for (const image of args) stdout().write(await rawConfig(context, image));
    return 0;
  }
  const found = [];
  for (const image of args) found.push(await inspectImage(context, image));
  const template = flags.text("format");
  if (template === undefined) invocation.print(formatJson(found));
  else {
    const [{ formatValue }, { dockerView }] = await Promise.all([
      import("../format.js"),
      import("../../api/inspect-docker.js"),
    ]);
    for (const image of found) invocation.print(formatValue(template, dockerView(image)));
  }
  return 0;
}
