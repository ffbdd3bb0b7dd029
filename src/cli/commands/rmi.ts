import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";
import { formatSize } from "../render/units.js";

/** Removes what it can. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, note } = invocation;
  const context = await inspectionContext(invocation);
  const { removeImage } = await import("../../api/rmi.js");
  const force = flags.on("force");
  return forEachWord(
    invocation,
    args,
    async (image) => {
      const { name, freed } = await removeImage(context, image, { force });
      note(`freed ${formatSize(freed)}`);
      return name;
    },
    { absentIsFine: force },
  );
}
