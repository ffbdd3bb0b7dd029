import path from "node:path";
import { UsageError } from "./errors.js";
import { parseReference, type Reference } from "./reference.js";
import { printable } from "./text.js";

/**
 * Where the user says an image is: a registry, an OCI layout directory (`oci:DIR[:TAG]`), or an archive of one or of
 * `docker save` (`oci-archive:FILE[:NAME]`, `docker-archive:FILE[:NAME]`).
 */
export type ImageName =
  | { readonly kind: "registry"; readonly reference: Reference }
  | {
      readonly kind: "layout";
      /** Absolute path of the directory, or of the archive. */
      readonly directory: string;
      readonly archive: boolean;
      readonly tag?: string;
      readonly input: string;
    };

const localPrefix = /^(oci|oci-archive|docker-archive):/;

/** @throws UsageError BAD_REFERENCE */
export function parseImageName(input: string): ImageName {
  const prefix = localPrefix.exec(input)?.[0];
  if (prefix === undefined) return { kind: "registry", reference: parseReference(input) };
  const rest = input.slice(prefix.length);
  const colon = rest.indexOf(":");
  const directory = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const archive = prefix !== "oci:";
  if (directory === "" || tag === "") {
    const observed = archive ? "no file or an empty name" : "no directory or an empty tag";
    const message = `image reference: ${printable(input, 100)}: ${observed}`;
    const form = archive ? `${prefix}FILE[:NAME], for example ${prefix}./alpine.tar` : ociForm;
    throw new UsageError("BAD_REFERENCE", message, { hint: `the form is ${form}` });
  }
  const place = { kind: "layout", directory: path.resolve(directory), archive, input } as const;
  return tag === undefined ? place : { ...place, tag };
}

const ociForm = "oci:DIR[:TAG], for example oci:./alpine:latest";

/**
 * The name an image from a layout gets in the store: the layout's own full reference where it has one (an air-gapped
 * copy keeps its name), else `localhost/DIRECTORY:TAG` as podman names it.
 */
export function layoutReference(directory: string, refName: string | undefined): Reference {
  if (refName !== undefined && refName.includes("/")) return parseReference(refName);
  // `busybox:1.36`, as `skopeo copy … oci:DIR:busybox:1.36` writes it.
  if (refName !== undefined && refName.includes(":")) return parseReference(`localhost/${refName}`);
  const base = path
    .basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return parseReference(`localhost/${base === "" ? "image" : base}:${refName ?? "latest"}`);
}
