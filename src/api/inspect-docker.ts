import { isDigest } from "../core/digest.js";
import { familiarName, parseReference } from "../core/reference.js";
import type { Healthcheck } from "../core/image-config.js";
import type { ImageDetails } from "./inspect.js";

/**
 * The details in docker's field names, so that templates written for `docker inspect` work: `.Config.Env`, `.RepoTags`,
 * `.RootFS.Layers`. Every field is always there.
 */
export function dockerView(image: ImageDetails): Record<string, unknown> {
  const [os = "", architecture = "", variant = ""] = image.platform.split("/");
  const { config } = image;
  const names = image.names.map((name) => parseReference(name));
  const repositories = [...new Set(names.map((name) => familiarName(name)))];
  return {
    Id: image.id,
    RepoTags: names.flatMap((name) => (name.tag === undefined ? [] : [`${familiarName(name)}:${name.tag}`])),
    RepoDigests: repositories.map((repository) => `${repository}@${image.digest}`),
    Created: image.created ?? "",
    Author: image.author ?? "",
    Os: os,
    Architecture: architecture,
    Variant: variant,
    Platform: image.platform,
    Size: image.size,
    Config: {
      User: config.user,
      Env: config.env,
      Entrypoint: config.entrypoint,
      Cmd: config.cmd,
      WorkingDir: config.workingDir,
      Labels: config.labels,
      Volumes: asSet(config.volumes),
      ExposedPorts: asSet(config.exposedPorts),
      StopSignal: config.stopSignal ?? "",
      Healthcheck: config.healthcheck === undefined ? null : healthcheckView(config.healthcheck),
      OnBuild: config.onBuild ?? null,
      Shell: config.shell ?? null,
    },
    RootFS: { Type: "layers", Layers: image.layers.map(({ diffId }) => diffId).filter((id) => isDigest(id)) },
    Manifest: image.manifest,
    Layers: image.layers.map(({ digest, diffId, mediaType, size }) => ({
      Digest: digest,
      DiffID: diffId,
      MediaType: mediaType,
      Size: size,
    })),
    History: image.history.map(({ created, createdBy, comment, emptyLayer }) => ({
      Created: created ?? "",
      CreatedBy: createdBy ?? "",
      Comment: comment ?? "",
      EmptyLayer: emptyLayer,
    })),
  };
}

function healthcheckView(check: Healthcheck): Record<string, unknown> {
  return {
    Test: check.test,
    Interval: check.interval ?? 0,
    Timeout: check.timeout ?? 0,
    StartPeriod: check.startPeriod ?? 0,
    StartInterval: check.startInterval ?? 0,
    Retries: check.retries ?? 0,
  };
}

/** Go's sets are maps to empty structs. */
function asSet(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
