import { PullrunError, UsageError } from "../core/errors.js";
import type { ImageSource } from "../core/image-source.js";
import { formatReference, parseReference } from "../core/reference.js";
import { printable } from "../core/text.js";
import type { Scratch } from "./archive-file.js";
import { openArchive } from "./archive-images.js";
import type { ArchiveImage } from "./archive-source.js";

/**
 * One image of an archive, as a pull reads it: by one of its names or its tag, or the only one there is. Closing it
 * closes the archive. @throws UsageError BAD_REFERENCE listing the names, if none or several fit
 */
export async function openArchiveSource(
  file: string,
  name: string | undefined,
  scratch: Scratch,
): Promise<ImageSource> {
  const archive = await openArchive({ file }, scratch);
  try {
    const { source } = pick(archive.images, name, file);
    // Reading is over when a pull closes its source; what the system says of closing a file we only read is no news.
    return { ...source, close: () => void archive.close().catch(() => undefined) };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

function pick(images: readonly ArchiveImage[], name: string | undefined, file: string): ArchiveImage {
  const fitting =
    name === undefined ? images : images.filter(({ names }) => names.some((n) => isNamed(n, name)));
  const [only, ...others] = fitting;
  if (only !== undefined && others.length === 0) return only;
  const observed =
    only === undefined
      ? `no image ${printable(name ?? "", 100)}`
      : `${fitting.length} images fit (expected one)`;
  const all = images.flatMap(({ names }) => names).map((n) => printable(n, 100));
  throw new UsageError("BAD_REFERENCE", `archive ${printable(file)}: ${observed}`, {
    hint: all.length === 0 ? "its images have no names" : `it holds: ${all.join(", ")}`,
  });
}

function isNamed(full: string, wanted: string): boolean {
  if (full === wanted || full.endsWith(`:${wanted}`)) return true;
  try {
    return full === formatReference(parseReference(wanted));
  } catch (error) {
    if (error instanceof PullrunError) return false;
    throw error;
  }
}
