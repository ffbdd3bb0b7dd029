import type { Place } from "../../api/cp/copy.js";
import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { writeBytes } from "../output.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [source = "", destination = ""] = args;
  const [from, to] = [placeOf(source), placeOf(destination)];
  checkPlaces(from, to);
  const context = await contextOf(invocation, () => undefined);
  const options = { archive: flags.on("archive"), follow: flags.on("follow-link") };
  if (to === "-" && from !== "-") {
    const { packFiles } = await import("../../api/cp/pack.js");
    await packFiles(context, { from, ...options }, writeBytes);
  } else if (from === "-" && to !== "-") {
    const { unpackTar } = await import("../../api/cp/unpack.js");
    await unpackTar(context, { to, ...options }, process.stdin);
  } else if (from !== "-" && to !== "-") {
    const { copyFiles } = await import("../../api/cp/copy.js");
    await copyFiles(context, { from, to, ...options });
  }
  return 0;
}

/** Docker's way to tell them apart: what begins with a slash or a dot is a path of this machine. */
function placeOf(text: string): Place | "-" {
  if (text === "-") return "-";
  const colon = text.indexOf(":");
  if (colon < 0 || /^[./]/.test(text)) return { path: text };
  const [container, path] = [text.slice(0, colon), text.slice(colon + 1)];
  if (container === "" || path === "") throw bad(text, "is not CONTAINER:PATH");
  return { container, path };
}

function checkPlaces(from: Place | "-", to: Place | "-"): void {
  const inContainers = [from, to].filter((place) => place !== "-" && place.container !== undefined);
  if (inContainers.length === 1) return;
  throw new UsageError(
    "BAD_VALUE",
    inContainers.length === 0
      ? "cp: neither side is a container's (expected CONTAINER:PATH as one of them)"
      : "cp: both sides are containers' (expected one of this machine, or - for a tar)",
  );
}

function bad(text: string, problem: string): UsageError {
  return new UsageError("BAD_VALUE", `cp: ${printable(text)}: ${problem}`);
}
