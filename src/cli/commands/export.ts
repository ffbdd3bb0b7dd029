import { UsageError } from "../../core/errors.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { stdoutIsTerminal, writeBytes } from "../output.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const file = flags.text("output");
  if (file === undefined && stdoutIsTerminal()) {
    throw new UsageError("BAD_VALUE", "export: stdout is a terminal (expected a file or a pipe)", {
      hint: "name a file with -o FILE",
    });
  }
  const context = await inspectionContext(invocation);
  const { exportImage } = await import("../../api/export.js");
  const pieces = exportImage(context, args[0] ?? "");
  if (file === undefined) await writeBytes(pieces);
  else {
    const { writeWholeFile } = await import("../../api/write-file.js");
    await writeWholeFile(file, pieces);
  }
  return 0;
}
