import type { Volume } from "../../api/volumes/list.js";
import { PullrunError } from "../../core/errors.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { formatJson } from "../render/json.js";
import { reportError } from "../report-error.js";
import { templateOf } from "../values.js";

/** What there is of those asked for is printed also where one of them is missing, as docker does. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, env } = invocation;
  const context = await inspectionContext(invocation);
  const { findVolume } = await import("../../api/volumes/list.js");
  const found: object[] = [];
  let status = 0;
  for (const name of args) {
    try {
      found.push(dockerView(await findVolume(context, name)));
    } catch (error) {
      if (!(error instanceof PullrunError)) throw error;
      status = reportError(error, { failure: 1, debug: env.debug });
    }
  }
  const template = templateOf(flags);
  if (template === undefined) invocation.print(formatJson(found));
  else {
    const { formatValue } = await import("../format.js");
    for (const volume of found) invocation.print(formatValue(template, volume));
  }
  return status;
}

function dockerView({ name, created, labels, data, anonymous }: Volume): object {
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
