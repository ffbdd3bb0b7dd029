import { readFileSync } from "node:fs";
import path from "node:path";
import { skopeoCopy, startDockerRegistry, type DockerRegistry } from "../../test/support/peers.js";
import { mustRun } from "../../test/support/tools.js";
import type { Benchmark, Contender } from "../compare.js";
import { benchImage } from "../image.js";
import { absent, emptied, podman, pullrunPath, resetPodman, settle } from "../peers.js";
import type { TreeName } from "../tree.js";

export interface PullBench {
  readonly image: TreeName;
  readonly scratch: string;
  readonly runs: number;
}

/** From nothing to an image ready to run, from docker-registry on this machine. */
export function coldPull({ image, scratch, runs }: PullBench): Benchmark {
  let registry: DockerRegistry | undefined;
  return {
    name: `pull-${image}`,
    what: `Cold pull of the ${image} image to ready, from docker-registry on loopback. The floor downloads, hashes, inflates, hashes again and writes each layer with shell tools, two layers at a time, and builds nothing.`,
    runs,
    warmUps: 0,
    async prepare() {
      const layout = benchImage(path.join(scratch, "images"), image, { compression: "gzip" });
      registry = await startDockerRegistry();
      await skopeoCopy(`oci:${layout}:latest`, `docker://${registry.host}/bench/${image}:latest`);
      return pullers({ name: `${registry.host}/bench/${image}`, scratch, layout, host: registry.host });
    },
    async finish() {
      await registry?.close();
    },
  };
}

interface Target {
  readonly name: string;
  readonly host: string;
  readonly scratch: string;
  readonly layout: string;
}

function pullers(target: Target): Contender[] {
  const { name, scratch } = target;
  const at = (part: string): string => path.join(scratch, part);
  return [
    {
      name: "pullrun",
      reset: () => clear(at("pullrun")),
      command: { argv: [pullrunPath, "--root", at("pullrun"), "pull", "-q", name] },
    },
    {
      name: "pullrun, directories",
      reset: () => clear(at("pullrun-directories")),
      command: {
        argv: [pullrunPath, "--root", at("pullrun-directories"), "pull", "-q", name],
        env: { PULLRUN_ROOTFS_DRIVER: "directories" },
      },
    },
    {
      name: "podman",
      ...missingField(absent("podman")),
      async reset() {
        await resetPodman(at("podman"));
        await settle();
      },
      command: { argv: podman(at("podman"), "pull", "-q", "--tls-verify=false", name) },
    },
    {
      name: "skopeo + umoci",
      ...missingField(absent("skopeo", "umoci")),
      reset: () => clear(at("umoci")),
      command: { argv: ["sh", "-c", skopeoAndUmoci(name, at("umoci"))] },
    },
    {
      name: "floor (shell)",
      ...missingField(absent("curl", "gunzip", "sha256sum")),
      reset: () => clear(at("floor")),
      command: { argv: ["bash", "-c", floor(target, at("floor"))] },
    },
  ];
}

async function clear(directory: string): Promise<void> {
  emptied(directory);
  await settle();
}

function skopeoAndUmoci(name: string, directory: string): string {
  const copy = `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${name}:latest oci:${directory}/oci:latest`;
  return `${copy} && umoci unpack --image ${directory}/oci:latest ${directory}/bundle >/dev/null 2>&1`;
}

function floor({ host, name, layout }: Target, directory: string): string {
  const repository = name.slice(host.length + 1);
  const layers = layersOf(layout).map((digest) => `http://${host}/v2/${repository}/blobs/${digest}`);
  const one = [
    `curl -s "$1"`,
    `tee >(sha256sum >/dev/null) "${directory}/$$.gz"`,
    `gunzip -c`,
    `tee >(sha256sum >/dev/null) > "${directory}/$$.tar"`,
  ].join(" | ");
  return `printf '%s\\n' ${layers.join(" ")} | xargs -P2 -n1 bash -c '${one}' layer`;
}

function layersOf(layout: string): string[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(layout, file), "utf8"));
  const index = read("index.json") as { manifests: { digest: string }[] };
  const hex = index.manifests[0]?.digest.replace("sha256:", "") ?? "";
  return (read(`blobs/sha256/${hex}`) as { layers: { digest: string }[] }).layers.map(({ digest }) => digest);
}

function missingField(missing: string | undefined): { missing?: string } {
  return missing === undefined ? {} : { missing };
}

/** A pull when nothing changed, and the removal of the image. */
export function repeatAndRemove({ image, scratch, runs }: PullBench): Benchmark[] {
  let registry: DockerRegistry | undefined;
  const store = path.join(scratch, "again-pullrun");
  const storage = path.join(scratch, "again-podman");
  let name = "";
  async function start(): Promise<void> {
    const layout = benchImage(path.join(scratch, "images"), image, { compression: "gzip" });
    registry ??= await startDockerRegistry();
    name = `${registry.host}/bench/${image}`;
    await skopeoCopy(`oci:${layout}:latest`, `docker://${name}:latest`);
  }
  const pullWith = async (argv: readonly string[]): Promise<void> => {
    const [file = "", ...args] = argv;
    await mustRun(file, args);
  };
  const own = (...args: readonly string[]): string[] => [pullrunPath, "--root", store, ...args];
  return [
    {
      name: `repull-${image}`,
      what: "Pull of an image that is there and current.",
      runs,
      warmUps: 1,
      async prepare() {
        await start();
        return [
          { name: "pullrun", command: { argv: own("pull", "-q", name) } },
          {
            name: "podman",
            ...missingField(absent("podman")),
            command: { argv: podman(storage, "pull", "-q", "--tls-verify=false", name) },
          },
        ];
      },
    },
    {
      name: `rmi-${image}`,
      what: "Removal of the image; each run pulls it again first, untimed.",
      runs,
      warmUps: 0,
      async prepare() {
        await start();
        return [
          {
            name: "pullrun",
            reset: () => pullWith(own("pull", "-q", name)),
            command: { argv: own("rmi", name) },
          },
          {
            name: "podman",
            ...missingField(absent("podman")),
            reset: () => pullWith(podman(storage, "pull", "-q", "--tls-verify=false", name)),
            command: { argv: podman(storage, "rmi", name) },
          },
        ];
      },
      async finish() {
        await registry?.close();
        await resetPodman(storage);
      },
    },
  ];
}
