import { PullrunError } from "../../core/errors.js";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { reportError } from "../report-error.js";
import { formatSize } from "../render/units.js";

/** Removes what it can: a name that is not there does not keep the others from going, but shows in the status. */
export async function run(invocation: Invocation): Promise<number> {
  const context = await contextOf(invocation, () => undefined);
  const { removeImage } = await import("../../api/rmi.js");
  let status = 0;
  for (const image of invocation.args) {
    try {
      const { name, freed } = await removeImage(context, image);
      invocation.print(`${name}\n`);
      invocation.note(`freed ${formatSize(freed)}`);
    } catch (error) {
      if (!(error instanceof PullrunError)) throw error;
      status = reportError(error, { failure: 1, debug: invocation.env.debug });
    }
  }
  return status;
}
