import type { ImageSummary } from "../../api/images.js";
import { contextOf } from "../context.js";
import type { Flags, Invocation } from "../command.js";
import { shortDigest, warningLine } from "../render/progress.js";
import { formatTable } from "../render/table.js";
import { formatAge, formatSize } from "../render/units.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags, args } = invocation;
  const context = await contextOf(invocation, (event) => {
    const line = warningLine(event);
    if (line !== undefined) invocation.note(line);
  });
  const { listImages } = await import("../../api/images.js");
  const images = await listImages(context, { name: args[0] });
  invocation.print(format(images, flags));
  return 0;
}

function format(images: readonly ImageSummary[], flags: Flags): string {
  const id = (image: ImageSummary): string => (flags.on("no-trunc") ? image.id : shortDigest(image.id));
  if (flags.on("json")) return `${JSON.stringify(images, null, 2)}\n`;
  if (flags.on("quiet")) return [...new Set(images.map(id))].map((text) => `${text}\n`).join("");
  const digests = flags.on("digests");
  const header = ["REPOSITORY", "TAG", ...(digests ? ["DIGEST"] : []), "IMAGE ID", "CREATED", "SIZE"];
  const rows = images.map((image) => [
    image.repository,
    image.tag ?? "<none>",
    ...(digests ? [image.digest] : []),
    id(image),
    image.created === undefined ? "N/A" : formatAge(Date.parse(image.created), Date.now()),
    formatSize(image.size),
  ]);
  return formatTable(header, rows);
}
