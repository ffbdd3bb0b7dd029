import type { Problem, VerifyReport } from "../../api/verify.js";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { given } from "../flags/given.js";
import { formatJson } from "../render/json.js";
import { warningLine } from "../render/lines.js";
import { parsed, parseSize } from "../values.js";

/** Exit status 1 if problems remain. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await contextOf(invocation, (event) => {
    const line = warningLine(event);
    if (line !== undefined) invocation.note(line);
  });
  const { verifyStore } = await import("../../api/verify.js");
  const repair = flags.on("repair");
  const report = await verifyStore(context, {
    images: args,
    repair,
    ...given("maxUnpacked", parsed(flags, "max-unpacked", parseSize)),
  });
  invocation.print(flags.on("json") ? formatJson(report) : toText(report));
  const { blobs, layers, rootfs } = report.checked;
  invocation.note(`checked ${blobs} blobs, ${layers} layers, ${rootfs} root file systems`);
  if (report.problems.length === 0) return 0;
  invocation.note(hintFor(report.problems, repair));
  return 1;
}

function toText({ problems, repaired }: VerifyReport): string {
  const lines = [
    ...repaired.map((problem) => `repaired: ${line(problem)}`),
    ...problems.map((problem) => `${problem.state}: ${line(problem)}`),
  ];
  return lines.map((text) => `${text}\n`).join("");
}

function line({ message, images }: Problem): string {
  return images.length === 0 ? `${message} (of no image)` : `${message} (of ${images.join(", ")})`;
}

function hintFor(problems: readonly Problem[], repair: boolean): string {
  if (!repair) return "hint: `pullrun verify --repair` rebuilds or fetches again what it can";
  if (problems.some(({ kind }) => kind === "index"))
    return "hint: index.json names the images and nothing else does: pull them again with another --root";
  return "hint: images that cannot be repaired can be removed with `pullrun rmi` and pulled again";
}
