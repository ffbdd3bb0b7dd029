import * as v from "valibot";
import { digestSchema, firstIssue } from "./descriptor.js";
import type { DiffId } from "./digest.js";
import { RegistryError } from "./errors.js";
import { parseUntrustedJson } from "./json.js";
import { limits } from "./limits.js";
import { normalizePlatform, type Platform } from "./platform.js";
import { printable } from "./text.js";

/** How a container of this image starts (image-spec config.md, "config"). Every string is the image author's word. */
export interface ProcessConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly volumes: readonly string[];
  readonly exposedPorts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  /** Docker's own field, as are the two below. Nothing here acts on them. */
  readonly healthcheck?: Healthcheck;
  readonly onBuild?: readonly string[];
  readonly shell?: readonly string[];
}

/** Times are nanoseconds. */
export interface Healthcheck {
  readonly test: readonly string[];
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly startInterval?: number;
  readonly retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  readonly emptyLayer: boolean;
}

/** image-spec config.md. */
export interface ImageConfig {
  readonly platform: Platform;
  readonly created?: string;
  readonly author?: string;
  readonly process: ProcessConfig;
  /** One per layer of the manifest, bottom first. */
  readonly diffIds: readonly DiffId[];
  readonly history: readonly HistoryEntry[];
}

const strings = v.nullish(v.array(v.string()), []);
const keys = v.pipe(
  v.nullish(v.record(v.string(), v.unknown()), {}),
  v.transform((map) => Object.keys(map)),
);

const healthcheckSchema = v.object({
  Test: strings,
  Interval: v.nullish(v.number()),
  Timeout: v.nullish(v.number()),
  StartPeriod: v.nullish(v.number()),
  StartInterval: v.nullish(v.number()),
  Retries: v.nullish(v.number()),
});

const processSchema = v.object({
  User: v.nullish(v.string(), ""),
  Env: strings,
  Entrypoint: strings,
  Cmd: strings,
  WorkingDir: v.nullish(v.string(), ""),
  Volumes: keys,
  ExposedPorts: keys,
  Labels: v.nullish(v.record(v.string(), v.string()), {}),
  StopSignal: v.nullish(v.string()),
  Healthcheck: v.nullish(healthcheckSchema),
  OnBuild: v.nullish(v.array(v.string())),
  Shell: v.nullish(v.array(v.string())),
});

const historySchema = v.object({
  created: v.nullish(v.string()),
  created_by: v.nullish(v.string()),
  comment: v.nullish(v.string()),
  empty_layer: v.nullish(v.boolean(), false),
});

const configSchema = v.object({
  os: v.pipe(v.string(), v.nonEmpty()),
  architecture: v.pipe(v.string(), v.nonEmpty()),
  variant: v.nullish(v.string()),
  created: v.nullish(v.string()),
  author: v.nullish(v.string()),
  config: v.nullish(processSchema),
  rootfs: v.object({
    type: v.literal("layers"),
    // Absent where docker has built an image without any layer.
    diff_ids: v.pipe(v.nullish(v.array(digestSchema), []), v.maxLength(limits.layers)),
  }),
  history: v.nullish(v.array(historySchema), []),
});

/** @throws RegistryError BAD_MANIFEST */
export function parseImageConfig(what: string, bytes: Uint8Array): ImageConfig {
  let raw: v.InferOutput<typeof configSchema>;
  try {
    raw = v.parse(configSchema, parseUntrustedJson(bytes));
  } catch (error) {
    const problem =
      error instanceof v.ValiError ? firstIssue(error) : error instanceof Error ? error.message : "";
    throw new RegistryError("BAD_MANIFEST", `${what}: malformed image config: ${printable(problem)}`, {
      cause: error,
    });
  }
  return {
    platform: normalizePlatform(raw.os, raw.architecture, raw.variant ?? undefined),
    ...optional("created", raw.created),
    ...optional("author", raw.author),
    process: processOf(raw.config ?? v.parse(processSchema, {})),
    diffIds: raw.rootfs.diff_ids as DiffId[],
    history: raw.history.map(historyOf),
  };
}

function processOf(raw: v.InferOutput<typeof processSchema>): ProcessConfig {
  return {
    user: raw.User,
    env: raw.Env,
    entrypoint: raw.Entrypoint,
    cmd: raw.Cmd,
    workingDir: raw.WorkingDir,
    volumes: raw.Volumes,
    exposedPorts: raw.ExposedPorts,
    labels: raw.Labels,
    ...optional("stopSignal", raw.StopSignal),
    ...optional("healthcheck", raw.Healthcheck && healthcheckOf(raw.Healthcheck)),
    ...optional("onBuild", raw.OnBuild),
    ...optional("shell", raw.Shell),
  };
}

function healthcheckOf(raw: v.InferOutput<typeof healthcheckSchema>): Healthcheck {
  return {
    test: raw.Test,
    ...optional("interval", raw.Interval),
    ...optional("timeout", raw.Timeout),
    ...optional("startPeriod", raw.StartPeriod),
    ...optional("startInterval", raw.StartInterval),
    ...optional("retries", raw.Retries),
  };
}

function historyOf(raw: v.InferOutput<typeof historySchema>): HistoryEntry {
  return {
    ...optional("created", raw.created),
    ...optional("createdBy", raw.created_by),
    ...optional("comment", raw.comment),
    emptyLayer: raw.empty_layer,
  };
}

function optional<K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } {
  return (value === null || value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
