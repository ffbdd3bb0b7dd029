import { UsageError } from "../core/errors.js";
import { parseReference } from "../core/reference.js";
import { printable } from "../core/text.js";
import type { Context } from "./context.js";
import { registryOptions } from "./open-source.js";

/** The tags a registry has of a repository, in natural order: `1.9` before `1.10`. @throws UsageError, RegistryError */
export async function listTags(context: Context, repository: string): Promise<string[]> {
  const reference = parseReference(repository);
  if (reference.digest !== undefined || repository.endsWith(`:${reference.tag}`)) {
    throw new UsageError(
      "BAD_REFERENCE",
      `repository: ${printable(repository, 100)}: has a tag or a digest`,
      {
        hint: "name the repository alone, for example alpine or localhost:5000/team/app",
      },
    );
  }
  const registry = await import("../registry/index.js");
  const credentials = registry.createCredentialLookup(context.authFiles);
  const options = { ...registryOptions(context, credentials), signal: context.signal };
  const tags = await registry.listTags(reference, options);
  const { compare } = new Intl.Collator("en", { numeric: true });
  return tags.sort(compare);
}
