import type { ImageSummary } from "../../api/images.js";
import type { ImageWithLayers } from "../../api/image-tree.js";
import type { Flags, Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeText } from "../render/escape.js";
import { formatJson } from "../render/json.js";
import { shortDigest } from "../render/progress.js";
import { formatTable, truncate } from "../render/table.js";
import { ageOf, dockerTime, formatSize } from "../render/units.js";
import { templateOf } from "../values.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags, args } = invocation;
  const context = await inspectionContext(invocation);
  const [name] = args;
  const options = { ...(name === undefined ? {} : { name }), filters: flags.list("filter") };
  if (flags.on("tree")) {
    const { listImageTree } = await import("../../api/image-tree.js");
    invocation.print(treeText(await listImageTree(context, options), flags));
    return 0;
  }
  const { listImages } = await import("../../api/images.js");
  invocation.print(await format(await listImages(context, options), flags));
  return 0;
}

async function format(images: readonly ImageSummary[], flags: Flags): Promise<string> {
  if (flags.on("json")) return formatJson(images);
  const ids = images.map((image) => idOf(image, flags));
  if (flags.on("quiet")) return [...new Set(ids)].map((text) => `${text}\n`).join("");
  const template = templateOf(flags);
  if (template !== undefined) {
    const { formatRows } = await import("../format.js");
    const rows = images.map((image) => templateRow(image, flags));
    return formatRows(template, rows, headings);
  }
  const digests = flags.on("digests");
  const header = ["REPOSITORY", "TAG", ...(digests ? ["DIGEST"] : []), "IMAGE ID", "CREATED", "SIZE"];
  const rows = images.map((image, i) => [
    image.repository,
    image.tag ?? "<none>",
    ...(digests ? [image.digest] : []),
    ids[i] ?? "",
    ageOf(image.created),
    formatSize(image.size),
  ]);
  return formatTable(header, rows);
}

function idOf(image: ImageSummary, flags: Flags): string {
  return flags.on("no-trunc") ? image.id : shortDigest(image.id);
}

const headings = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Platform: "PLATFORM",
  Labels: "LABELS",
};

/** Docker's names for the columns. */
function templateRow(image: ImageSummary, flags: Flags): Record<keyof typeof headings, unknown> {
  return {
    ID: idOf(image, flags),
    Repository: image.repository,
    Tag: image.tag ?? "<none>",
    Digest: image.digest,
    CreatedSince: ageOf(image.created),
    CreatedAt: dockerTime(image.created),
    Size: formatSize(image.size),
    Platform: image.platform,
    Labels: image.labels,
  };
}

const commandWidth = 60;

/** Each image with its layers below it; `--json` has every figure. */
function treeText(images: readonly ImageWithLayers[], flags: Flags): string {
  if (flags.on("json")) return formatJson(images);
  const rows = images.flatMap(({ image, layers, uniqueSize }) => [
    [
      `${image.repository}${image.tag === undefined ? "" : `:${image.tag}`} (${image.platform})`,
      idOf(image, flags),
      formatSize(image.size),
      `${formatSize(uniqueSize)} unique`,
      "",
    ],
    ...layers.map((layer, i) => [
      `${i + 1 === layers.length ? "└─" : "├─"} ${layer.layer}`,
      flags.on("no-trunc") ? layer.diffId : shortDigest(layer.diffId),
      formatSize(layer.size),
      layer.sharedWith.length === 0 ? "" : `in ${layer.sharedWith.length} more`,
      commandOf(layer.createdBy, flags),
    ]),
  ]);
  return formatTable(["IMAGE", "ID", "SIZE", "SHARED", "CREATED BY"], rows);
}

function commandOf(createdBy: string | undefined, flags: Flags): string {
  const text = escapeText(createdBy ?? "");
  return flags.on("no-trunc") ? text : truncate(text, commandWidth);
}
