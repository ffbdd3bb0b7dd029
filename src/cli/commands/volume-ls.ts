import type { Volume } from "../../api/volumes/list.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { labelsText, withLabel } from "../labels.js";
import { formatJson } from "../render/json.js";
import { formatTable } from "../render/table.js";
import { templateOf } from "../values.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const context = await inspectionContext(invocation);
  const { listVolumes } = await import("../../api/volumes/list.js");
  const volumes = await listVolumes(context, flags.list("filter"));
  const template = templateOf(flags);
  if (flags.on("json")) invocation.print(formatJson(volumes));
  else if (flags.on("quiet")) invocation.print(volumes.map(({ name }) => `${name}\n`).join(""));
  else if (template === undefined) {
    invocation.print(
      formatTable(
        ["DRIVER", "VOLUME NAME"],
        volumes.map(({ name }) => ["local", name]),
      ),
    );
  } else {
    const { formatRows } = await import("../format.js");
    invocation.print(formatRows(template, volumes.map(rowOf), withLabel({ ...headings }, {})));
  }
  return 0;
}

const headings = {
  Name: "VOLUME NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  Mountpoint: "MOUNTPOINT",
  Labels: "LABELS",
  Links: "LINKS",
  Size: "SIZE",
};

/** Docker's names for the columns; like docker's, a list does not measure. */
function rowOf({ name, data, labels }: Volume): Record<keyof typeof headings, string> {
  const row = {
    Name: name,
    Driver: "local",
    Scope: "local",
    Mountpoint: data,
    Labels: labelsText(labels),
    Links: "N/A",
    Size: "N/A",
  };
  return withLabel(row, labels);
}
