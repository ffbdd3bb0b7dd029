import { loginCommand } from "./hosts.js";
import type { HttpResponse } from "./http.js";

/** A registry's pull limit, as Docker Hub tells it: `ratelimit-limit: 100;w=21600`, `ratelimit-remaining: 4;w=21600`. */
export interface Quota {
  readonly limit: number;
  readonly remaining: number;
  /** Seconds the limit is for, where it is told. */
  readonly windowSeconds: number | undefined;
}

const lowShare = 0.1;

export function quotaOf(response: HttpResponse): Quota | undefined {
  const limit = parse(response.header("ratelimit-limit"));
  const remaining = parse(response.header("ratelimit-remaining"));
  if (limit === undefined || remaining === undefined || limit.count === 0) return undefined;
  return { limit: limit.count, remaining: remaining.count, windowSeconds: limit.window ?? remaining.window };
}

/** One line once a tenth of the limit or less is left, also if nothing is. */
export function quotaWarning(response: HttpResponse): string | undefined {
  const quota = quotaOf(response);
  if (quota === undefined || response.status === 429 || quota.remaining > quota.limit * lowShare)
    return undefined;
  const { host } = response.url;
  return `${host}: ${describeQuota(quota)}; log in with ${loginCommand(host)} or set up a mirror before it runs out`;
}

/** `4 of 100 pulls in 6 h left` */
export function describeQuota({ limit, remaining, windowSeconds }: Quota): string {
  const window = windowSeconds === undefined ? "" : ` in ${duration(windowSeconds)}`;
  return `${remaining} of ${limit} pulls${window} left`;
}

function duration(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/** `COUNT;w=SECONDS` (draft-polli-ratelimit-headers); undefined for anything else. */
function parse(text: string | undefined): { readonly count: number; readonly window?: number } | undefined {
  const match = /^\s*(\d{1,9})\s*(?:;\s*w=(\d{1,9}))?\s*(?:[;,].*)?$/.exec(text ?? "");
  if (match === null) return undefined;
  return { count: Number(match[1]), ...(match[2] === undefined ? {} : { window: Number(match[2]) }) };
}
