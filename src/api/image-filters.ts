import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { parseTime } from "../core/times.js";
import type { ImageSummary } from "./images.js";

/** Whether an image is to be listed. */
export type ImageFilter = (image: ImageSummary) => boolean;

const hint =
  "there are: reference=PATTERN, before=IMAGE, since=IMAGE, until=TIME, label=KEY[=VALUE], dangling=true or false";

/**
 * Docker's `--filter KEY=VALUE`s for images. Of several references one has to fit, of everything else all.
 * @param createdOf when an image was made, for `before` and `since`
 * @throws UsageError BAD_VALUE
 */
export async function imageFilter(
  texts: readonly string[],
  createdOf: (image: string) => Promise<string>,
): Promise<ImageFilter> {
  const references: ImageFilter[] = [];
  const others: ImageFilter[] = [];
  for (const text of texts) {
    const sign = text.indexOf("=");
    const key = sign < 0 ? text : text.slice(0, sign);
    const value = sign < 0 ? "" : text.slice(sign + 1);
    if (value === "")
      throw new UsageError("BAD_VALUE", `--filter: ${printable(text, 60)}: not KEY=VALUE`, { hint });
    if (key === "reference") references.push(referenceFilter(value));
    else others.push(await otherFilter(key, value, createdOf));
  }
  const anyReference = (image: ImageSummary): boolean =>
    references.length === 0 || references.some((fits) => fits(image));
  return (image) => anyReference(image) && others.every((fits) => fits(image));
}

async function otherFilter(
  key: string,
  value: string,
  createdOf: (image: string) => Promise<string>,
): Promise<ImageFilter> {
  switch (key) {
    case "label":
      return labelFilter(value);
    case "before": {
      const limit = timeOf(await createdOf(value));
      return ({ created }) => timeOf(created) < limit;
    }
    case "since": {
      const limit = timeOf(await createdOf(value));
      return ({ created }) => timeOf(created) > limit;
    }
    case "until": {
      const limit = parseTime("--filter until", value);
      return ({ created }) => timeOf(created) < limit;
    }
    case "dangling":
      return danglingFilter(value);
    default:
      throw new UsageError("BAD_VALUE", `--filter: ${printable(key, 60)}: no such filter`, { hint });
  }
}

/** `busybox`, `busybox:1.*`, `team/*`: the name with or without its tag, `*` not matching a slash. */
export function referenceFilter(pattern: string): ImageFilter {
  const regexp = globRegExp(pattern);
  return ({ repository, tag }) =>
    regexp.test(repository) || (tag !== undefined && regexp.test(`${repository}:${tag}`));
}

function labelFilter(text: string): ImageFilter {
  const sign = text.indexOf("=");
  const key = sign < 0 ? text : text.slice(0, sign);
  return ({ labels }) => Object.hasOwn(labels, key) && (sign < 0 || labels[key] === text.slice(sign + 1));
}

/** Dangling is what has no tag: pulled by digest. */
function danglingFilter(value: string): ImageFilter {
  if (!["true", "false", "1", "0"].includes(value))
    throw new UsageError("BAD_VALUE", `--filter: dangling=${printable(value, 60)}: not true or false`, {
      hint,
    });
  const wanted = value === "true" || value === "1";
  return ({ tag }) => (tag === undefined) === wanted;
}

/** Go's `path.Match`, as docker uses it. */
function globRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\[[^\]]+\]|[^]/g, (part) => {
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length > 1) return part.replace(/[\\[]/g, "\\$&").replace(/^\\\[/, "[");
    return part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  try {
    return new RegExp(`^${source}$`);
  } catch (error) {
    const message = `--filter: reference=${printable(pattern, 60)}: not a pattern`;
    throw new UsageError("BAD_VALUE", message, { cause: error });
  }
}

/** Milliseconds since 1970; NaN, which no comparison holds for, for no time. */
function timeOf(created: string | undefined): number {
  return Date.parse(created ?? "");
}
