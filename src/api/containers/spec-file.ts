import { readFile } from "node:fs/promises";
import type { Spec } from "../../launch/oci-spec.js";
import { specFile } from "./directory.js";

/** The OCI spec a container was made with. */
export async function readSpec(directory: string): Promise<Spec> {
  return JSON.parse(await readFile(specFile(directory), "utf8")) as Spec;
}
