import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { addImage, type BlobMap } from "../../fixtures/image.js";
import { writeLayout } from "../../fixtures/layout.js";
import { hostPlatform } from "../../src/core/platform.js";
import { tar } from "./tar.js";

/** An image with nothing but net.c in it. */
export interface NetworkImage {
  /** `oci:DIR` */
  readonly name: string;
  /** The same program, to run on the host. */
  readonly program: string;
  remove(): void;
}

export async function makeNetworkImage(exposed: readonly string[] = []): Promise<NetworkImage> {
  const directory = mkdtempSync(path.join(tmpdir(), "pullrun-net-"));
  chmodSync(directory, 0o755);
  const program = path.join(directory, "net");
  const source = path.join(import.meta.dirname, "net.c");
  execFileSync("cc", ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-static", "-o", program, source]);
  const blobs: BlobMap = new Map();
  const descriptor = addImage(blobs, {
    platform: hostPlatform(),
    layers: [
      { createdBy: "COPY net /", content: tar({ name: "net", mode: 0o755, data: readFileSync(program) }) },
    ],
    process: {
      Entrypoint: ["/net"],
      Cmd: [],
      ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])),
    },
  });
  const layout = path.join(directory, "layout");
  await writeLayout(layout, { images: [{ name: "net:latest", descriptor, manifests: [descriptor] }], blobs });
  return {
    name: `oci:${layout}`,
    program,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
