import type { Volume } from "../../api/volumes/list.js";
import { forEachWord } from "../each.js";
import type { Invocation } from "../command.js";
import { inspectionContext, printFound } from "../inspection.js";

/** What there is of those asked for is printed also where one of them is missing, as docker does. */
export async function run(invocation: Invocation): Promise<number> {
  const context = await inspectionContext(invocation);
  const { findVolume } = await import("../../api/volumes/list.js");
  const found: Record<string, unknown>[] = [];
  const status = await forEachWord(invocation, invocation.args, async (name) => {
    found.push(dockerView(await findVolume(context, name)));
    return null;
  });
  await printFound(invocation, found);
  return status;
}

function dockerView({ name, created, labels, data, anonymous }: Volume): Record<string, unknown> {
  return {
    CreatedAt: created,
    Driver: "local",
    Labels: labels,
    Mountpoint: data,
    Name: name,
    Options: {},
    Scope: "local",
    Anonymous: anonymous,
  };
}
