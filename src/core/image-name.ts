import path from "node:path";
import { UsageError } from "./errors.js";
import { parseReference, type Reference } from "./reference.js";
import { printable } from "./text.js";

/** Where the user says an image is: a registry, or an OCI layout directory (`oci:DIR[:TAG]`). */
export type ImageName =
  | { readonly kind: "registry"; readonly reference: Reference }
  | { readonly kind: "layout"; readonly directory: string; readonly tag?: string; readonly input: string };

/** @throws UsageError BAD_REFERENCE */
export function parseImageName(input: string): ImageName {
  if (!input.startsWith("oci:")) return { kind: "registry", reference: parseReference(input) };
  const rest = input.slice("oci:".length);
  const colon = rest.indexOf(":");
  const directory = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (directory === "" || tag === "") {
    throw new UsageError(
      "BAD_REFERENCE",
      `image reference: ${printable(input, 100)}: no directory or an empty tag`,
      {
        hint: "the form is oci:DIR[:TAG], for example oci:./alpine:latest",
      },
    );
  }
  return { kind: "layout", directory: path.resolve(directory), input, ...(tag === undefined ? {} : { tag }) };
}

/**
 * The name an image from a layout gets in the store: the layout's own full reference where it has one (an air-gapped
 * copy keeps its name), else `localhost/DIRECTORY:TAG` as podman names it.
 */
export function layoutReference(directory: string, refName: string | undefined): Reference {
  if (refName !== undefined && refName.includes("/")) return parseReference(refName);
  const base = path
    .basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return parseReference(`localhost/${base === "" ? "image" : base}:${refName ?? "latest"}`);
}
