import type { Context } from "./context.js";
import { usageOf, type ImageUsage } from "./du.js";
import { surveyFiles, type FileSurvey } from "./file-survey.js";
import { imageHistory, type HistoryRow } from "./history.js";
import { openWholeImage } from "./image-target.js";
import { inspectImage, type ImageDetails } from "./inspect.js";
import { listLayers, type LayerInfo } from "./layers.js";

/** Everything the store tells of one image. Variables are named only: their values may be secrets of who built it. */
export interface ImageReport {
  readonly image: Pick<
    ImageDetails,
    "names" | "id" | "digest" | "manifest" | "platform" | "created" | "author" | "size"
  >;
  readonly config: Omit<ImageDetails["config"], "env"> & { readonly env: readonly string[] };
  /** Bottom first. */
  readonly layers: readonly LayerInfo[];
  /** Newest step first. */
  readonly history: readonly HistoryRow[];
  readonly usage: ImageUsage;
  readonly files: FileSurvey;
}

export interface ReportRequest {
  readonly image: string;
  /** How many of the largest files to name. */
  readonly largest: number;
}

/** Levels of directories whose sizes are told: `/usr/lib` says more than `/usr`, and deeper there are too many. */
const depth = 2;

/** @throws StoreError NOT_FOUND, CORRUPT; RegistryError UNSUPPORTED_MEDIA for what is no container image */
export async function reportImage(context: Context, request: ReportRequest): Promise<ImageReport> {
  const { image: name, largest } = request;
  const target = await openWholeImage(context, name);
  const { config, ...details } = await inspectImage(context, name);
  return {
    image: identityOf(details),
    config: { ...config, env: config.env.map((variable) => variable.split("=", 1)[0] ?? "") },
    layers: await listLayers(context, name),
    history: (await imageHistory(context, name)).rows,
    usage: await usageOf(target, { path: "/", depth }),
    files: surveyFiles(await target.files.tree(), { largest }),
  };
}

function identityOf(details: Omit<ImageDetails, "config">): ImageReport["image"] {
  const { names, id, digest, manifest, platform, created, author, size } = details;
  return {
    names,
    id,
    digest,
    manifest,
    platform,
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    size,
  };
}
