import type { Descriptor } from "../core/descriptor.js";
import type { ImageSource } from "../core/image-source.js";
import { formatReference, parseReference } from "../core/reference.js";
import type { ArchiveImage } from "./archive-source.js";
import { refNameKey, type IndexEntry } from "./index-file.js";

/** What containerd and docker call an image whose `ref.name` is only a tag. */
const containerdNameKey = "io.containerd.image.name";

/** The images that the index of an OCI layout names, in an archive or a directory; entries we cannot use are left out. */
export function indexImages(
  entries: readonly IndexEntry[],
  sourceOf: (descriptor: Descriptor) => ImageSource,
): ArchiveImage[] {
  return entries.flatMap(({ descriptor, refName }) => {
    if (descriptor === undefined) return [];
    const given = descriptor.annotations?.[containerdNameKey] ?? refName;
    const name = given === undefined ? undefined : fullName(given);
    const named = { ...descriptor, annotations: name === undefined ? {} : { [refNameKey]: name } };
    return [{ names: name === undefined ? [] : [name], digest: descriptor.digest, source: sourceOf(named) }];
  });
}

/** A bare tag stays one. */
function fullName(name: string): string {
  return /[:/]/.test(name) ? formatReference(parseReference(name)) : name;
}
