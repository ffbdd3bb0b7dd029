import type { LogLine } from "../../api/containers/logs.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { parseTime } from "../../core/times.js";
import { stderr, stdout, writeTo } from "../output.js";
import { parseCount } from "../values.js";

/** The container's stdout to ours, its stderr to ours, byte for byte. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const request = {
    follow: flags.on("follow"),
    ...tailOf(flags.text("tail") ?? "all"),
    ...timeOf("since", flags.text("since")),
    ...timeOf("until", flags.text("until")),
  };
  const context = await inspectionContext(invocation);
  const { readLogs } = await import("../../api/containers/logs.js");
  const write = createWriter(flags.on("timestamps"));
  for await (const line of readLogs(context, args[0] ?? "", request)) await write(line);
  return 0;
}

function tailOf(text: string): { tail?: number } {
  if (text === "all") return {};
  const tail = parseCount("--tail", text);
  return tail < 0 ? {} : { tail };
}

function timeOf<K extends string>(key: K, text: string | undefined): { [P in K]?: number } {
  return (text === undefined ? {} : { [key]: parseTime(`--${key}`, text) }) as { [P in K]?: number };
}

/** A line that comes in pieces gets one timestamp, at its beginning. */
function createWriter(timestamps: boolean): (line: LogLine) => Promise<void> {
  const begun = { stdout: false, stderr: false };
  return async ({ time, stream, text, partial }) => {
    const front = timestamps && !begun[stream] ? `${time} ` : "";
    begun[stream] = partial;
    await writeTo(stream === "stdout" ? stdout() : stderr(), Buffer.concat([Buffer.from(front), text]));
  };
}
