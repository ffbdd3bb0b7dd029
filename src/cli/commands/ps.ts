import type { ContainerSummary } from "../../api/containers/list.js";
import type { Flags, Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { labelsText, withLabel } from "../labels.js";
import { escapeText } from "../render/escape.js";
import { formatJson } from "../render/json.js";
import { formatTable, truncate } from "../render/table.js";
import { ageOf, dockerTime, formatSize } from "../render/units.js";
import { statusText } from "../render/container-status.js";
import { parseCount, parsed, templateOf } from "../values.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const last = flags.on("latest") ? 1 : parsed(flags, "last", parseCount);
  const context = await inspectionContext(invocation);
  const { listAll } = await import("../../api/containers/list.js");
  const containers = await listAll(context, {
    all: flags.on("all"),
    ...(last === undefined || last < 1 ? {} : { last }),
    filters: flags.list("filter"),
    sizes: flags.on("size"),
  });
  invocation.print(await format(containers, flags));
  return 0;
}

async function format(containers: readonly ContainerSummary[], flags: Flags): Promise<string> {
  if (flags.on("json")) return formatJson(containers);
  if (flags.on("quiet")) return containers.map((container) => `${idOf(container, flags)}\n`).join("");
  const rows = containers.map((container) => rowOf(container, flags));
  const template = templateOf(flags);
  if (template !== undefined) {
    const { formatRows } = await import("../format.js");
    return formatRows(template, rows, withLabel({ ...headings }, {}));
  }
  const columns = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"] as const;
  const shown = flags.on("size") ? ([...columns, "Size"] as const) : columns;
  return formatTable(
    shown.map((column) => headings[column]),
    rows.map((row) => shown.map((column) => row[column])),
  );
}

const headings = {
  ID: "CONTAINER ID",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  Ports: "PORTS",
  State: "STATE",
  Status: "STATUS",
  Size: "SIZE",
  Names: "NAMES",
  Labels: "LABELS",
  Networks: "NETWORKS",
  Mounts: "MOUNTS",
};

/** Docker's names for the columns. */
function rowOf(container: ContainerSummary, flags: Flags): Record<keyof typeof headings, string> {
  const row = {
    ID: idOf(container, flags),
    Image: container.image,
    Command: commandOf(container, flags),
    CreatedAt: dockerTime(container.created),
    RunningFor: ageOf(container.created),
    Ports: container.ports.join(", "),
    State: container.state,
    Status: statusText(container),
    Size: formatSize(container.size ?? 0),
    Names: container.name,
    Labels: labelsText(container.labels),
    Networks: container.network,
    Mounts: container.mounts
      .map((name) => (flags.on("no-trunc") ? name : truncate(name, mountWidth)))
      .join(","),
  };
  return withLabel(row, container.labels);
}

function idOf({ id }: ContainerSummary, flags: Flags): string {
  return flags.on("no-trunc") ? id : id.slice(0, 12);
}

const commandWidth = 20;
const mountWidth = 15;

function commandOf({ command }: ContainerSummary, flags: Flags): string {
  const text = escapeText(command.join(" "));
  return `"${flags.on("no-trunc") ? text : truncate(text, commandWidth)}"`;
}
