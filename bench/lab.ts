import path from "node:path";
import { skopeoCopy, startDockerRegistry, type DockerRegistry } from "../test/support/peers.js";
import { startContainerd, startDocker, type Daemon } from "./daemons.js";
import { benchImage, type ImageOptions } from "./image.js";
import type { TreeName, TreeSize } from "./tree.js";

/** What benchmarks share: a directory on a disk, a registry, and daemons that are started when first asked for. */
export interface Lab {
  readonly scratch: string;
  at(part: string): string;
  docker(): Promise<Daemon>;
  containerd(): Promise<Daemon>;
  /** `HOST:PORT` of the registry. */
  registry(): Promise<string>;
  /** Makes an image if need be and pushes it. */
  publish(size: TreeName | TreeSize, options: ImageOptions): Promise<Published>;
  close(): Promise<void>;
}

export interface Published {
  /** `HOST/REPOSITORY:latest`. */
  readonly name: string;
  readonly host: string;
  readonly repository: string;
  /** The OCI layout it was pushed from. */
  readonly layout: string;
}

export function openLab(scratch: string): Lab {
  let docker: Promise<Daemon> | undefined;
  let containerd: Promise<Daemon> | undefined;
  let registry: Promise<DockerRegistry> | undefined;
  let closed = false;
  const whileOpen = <T>(daemon: () => Promise<T>): Promise<T> =>
    closed ? Promise.reject(new Error("the benchmarks are at their end")) : daemon();
  const address = async (): Promise<string> =>
    (await whileOpen(() => (registry ??= startDockerRegistry()))).host;
  return {
    scratch,
    at: (part) => path.join(scratch, part),
    registry: address,
    docker: () => whileOpen(() => (docker ??= startDocker(scratch))),
    containerd: () => whileOpen(() => (containerd ??= startContainerd(scratch))),
    async publish(size, options) {
      const layout = benchImage(path.join(scratch, "images"), size, options);
      const host = await address();
      const repository = `bench/${path.basename(layout)}`;
      const name = `${host}/${repository}:latest`;
      await skopeoCopy(`oci:${layout}:latest`, `docker://${name}`);
      return { name, host, repository, layout };
    },
    async close() {
      closed = true;
      await (await registry)?.close();
      await (await docker)?.close();
      await (await containerd)?.close();
    },
  };
}
