import { UsageError } from "../core/errors.js";
import { parseImageName } from "../core/image-name.js";
import { formatReference } from "../core/reference.js";
import { printable } from "../core/text.js";
import { imageName } from "../store/refs.js";
import type { Context } from "./context.js";
import { requireStored } from "./find-image.js";

/** Gives an image one more name, taken from whatever had it. Returns the full name. @throws StoreError NOT_FOUND, UsageError */
export async function tagImage(context: Context, source: string, name: string): Promise<string> {
  const parsed = parseImageName(name);
  if (parsed.kind === "layout") {
    const message = `tag: ${printable(name, 100)}: would always mean what is on disk (expected NAME[:TAG])`;
    throw new UsageError("BAD_REFERENCE", message, {
      hint: "`pullrun save` writes an image to a directory or an archive",
    });
  }
  const { reference } = parsed;
  if (reference.digest !== undefined) {
    const message = `tag: ${printable(name, 100)}: has a digest (expected NAME[:TAG])`;
    throw new UsageError("BAD_REFERENCE", message, {
      hint: "a digest is not a name one can give: it follows from the content",
    });
  }
  const store = await context.store({ create: false });
  const [stored] = await requireStored(store, source);
  await store.commit({ ...stored, name: imageName(reference) }, context.signal);
  return formatReference(reference);
}
