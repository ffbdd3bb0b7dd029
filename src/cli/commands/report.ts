import type { ImageReport } from "../../api/report.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { fileJson } from "../render/files.js";
import { bytesField, formatJson } from "../render/json.js";
import { documentOf } from "../report/sections.js";
import { parseAtLeast, parsed } from "../values.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const largest = parsed(flags, "top", parseAtLeast(0)) ?? 20;
  const context = await inspectionContext(invocation);
  const { reportImage } = await import("../../api/report.js");
  const report = await reportImage(context, { image: args[0] ?? "", largest });
  invocation.print(await format(report, { as: flags.text("format") ?? "markdown", rows: largest }));
  return 0;
}

async function format(
  report: ImageReport,
  { as, rows }: { readonly as: string; readonly rows: number },
): Promise<string> {
  switch (as) {
    case "json":
      return formatJson(reportJson(report));
    case "html": {
      const { htmlOf } = await import("../report/html.js");
      return htmlOf(documentOf(report, rows));
    }
    default: {
      const { markdownOf } = await import("../report/markdown.js");
      return markdownOf(documentOf(report, rows));
    }
  }
}

function reportJson({ usage, files, ...rest }: ImageReport): Record<string, unknown> {
  const pathed = <T extends { readonly path: Buffer }>({ path, ...others }: T) => ({
    ...bytesField("path", path),
    ...others,
  });
  const { directories, wasted, totalBytes, wastedBytes, efficiency } = usage;
  return {
    ...rest,
    usage: {
      totalBytes,
      wastedBytes,
      efficiency,
      directories: directories.map(pathed),
      wasted: wasted.map(pathed),
    },
    files: {
      counts: files.counts,
      largest: files.largest.map(fileJson),
      privileged: files.privileged.map(({ info, ...rights }) => ({ ...fileJson(info), ...rights })),
      worldWritable: files.worldWritable.map(fileJson),
    },
  };
}
