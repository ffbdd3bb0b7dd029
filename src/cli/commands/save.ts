import { once } from "node:events";
import type { SaveFormat, SaveTarget } from "../../api/save.js";
import { UsageError } from "../../core/errors.js";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { stdout, stdoutIsTerminal } from "../output.js";
import { warningLine } from "../render/lines.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await contextOf(invocation, (event) => {
    const line = warningLine(event);
    if (line !== undefined) invocation.note(line);
  });
  const format = (flags.text("format") ?? "docker-archive") as SaveFormat;
  const { saveImages } = await import("../../api/save.js");
  await saveImages(context, { images: args, format }, targetOf(flags.text("output")));
  return 0;
}

function targetOf(output: string | undefined): SaveTarget {
  if (output !== undefined && output !== "-") return { path: output };
  if (stdoutIsTerminal()) {
    throw new UsageError("BAD_FLAG", "save: standard output is a terminal (expected a file or a pipe)", {
      hint: "name a file with -o FILE",
    });
  }
  return { sink: toStdout };
}

async function toStdout(bytes: Uint8Array): Promise<void> {
  if (!stdout().write(bytes)) await once(stdout(), "drain");
}
