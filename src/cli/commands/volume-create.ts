import type { Invocation } from "../command.js";
import { given } from "../flags/given.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { makeVolume } = await import("../../api/volumes/list.js");
  const labels = Object.fromEntries(flags.list("label").map(keyAndValue));
  const { name } = await makeVolume(context, { ...given("name", args[0]), labels });
  invocation.print(`${name}\n`);
  return 0;
}

function keyAndValue(text: string): [string, string] {
  const sign = text.indexOf("=");
  return sign < 0 ? [text, ""] : [text.slice(0, sign), text.slice(sign + 1)];
}
