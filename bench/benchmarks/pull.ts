import { chownSync, readFileSync } from "node:fs";
import path from "node:path";
import { ordinaryUid } from "../../test/support/users.js";
import type { Benchmark, Contender } from "../compare.js";
import type { Compression } from "../image.js";
import type { Lab, Published } from "../lab.js";
import { absent, done, emptied, podman, pullrunPath, resetPodman } from "../peers.js";
import { settle } from "../settle.js";
import type { TreeName } from "../tree.js";

export interface PullBench {
  readonly image: TreeName;
  readonly compression?: Compression;
  readonly runs: number;
}

const floorText =
  "The floor downloads, hashes, inflates, hashes again and writes each layer with shell tools, two layers at a time, and builds nothing.";

/** From nothing to an image ready to run, from docker-registry on this machine. */
export function coldPull(lab: Lab, { image, compression = "gzip", runs }: PullBench): Benchmark {
  return {
    name: `pull-${image}${compression === "gzip" ? "" : `-${compression}`}`,
    what: `Cold pull of the ${image} image (${compression}) to ready, from docker-registry on loopback. Of docker and containerd the memory is the client's. ${compression === "gzip" ? floorText : ""}`,
    runs,
    warmUps: 0,
    async prepare() {
      const published = await lab.publish(image, { compression });
      const slow = [umociPuller(lab, published), ...(await daemonPullers(lab, published))];
      return [
        ...pullers(lab, published),
        // Ten times as long, and nobody's aim.
        ...slow.map((contender) => ({ ...contender, runs: Math.ceil(runs / 3) })),
        ...(compression === "gzip" ? [floor(lab, published)] : []),
      ];
    },
  };
}

/** The same without root: a user with subordinate ids, who gets directories. */
export function rootlessPull(lab: Lab, { image, runs }: PullBench): Benchmark {
  return {
    name: `pull-${image}-rootless`,
    what: `Cold pull of the ${image} image to ready by an ordinary user with subordinate ids.`,
    runs,
    warmUps: 0,
    async prepare() {
      const { name } = await lab.publish(image, { compression: "gzip" });
      const home = userDirectory(lab.at("rootless"));
      const pull = podman(path.join(home, "podman"), "pull", "-q", "--tls-verify=false", name);
      return [
        {
          name: "pullrun",
          missing: asUser.missing,
          reset: () => clearAsUser(path.join(home, "pullrun"), home),
          command: {
            argv: asUser.argv(home, pullrunPath, "--root", path.join(home, "pullrun"), "pull", "-q", name),
          },
        },
        {
          name: "podman",
          missing: asUser.missing ?? absent("podman"),
          reset: () => clearAsUser(path.join(home, "podman"), home),
          command: { argv: asUser.argv(home, ...pull) },
        },
      ];
    },
  };
}

const asUser = {
  missing: process.getuid?.() === 0 ? absent("setpriv", "newuidmap") : "needs root to become another user",
  argv(home: string, ...command: readonly string[]): string[] {
    const ids = [`--reuid=${ordinaryUid}`, `--regid=${ordinaryUid}`, "--clear-groups"];
    return ["setpriv", ...ids, "env", `HOME=${home}`, `XDG_RUNTIME_DIR=${home}`, ...command];
  },
};

function userDirectory(directory: string): string {
  emptied(directory);
  chownSync(directory, ordinaryUid, ordinaryUid);
  return directory;
}

async function clearAsUser(directory: string, home: string): Promise<void> {
  await done(["rm", "-rf", directory]);
  userDirectory(home);
  await settle();
}

function pullers(lab: Lab, { name }: Published): Contender[] {
  return [
    ownPuller(lab, "pullrun", name),
    ownPuller(lab, "pullrun, directories", name, "directories"),
    {
      name: "podman",
      missing: absent("podman"),
      async reset() {
        await resetPodman(lab.at("podman"));
        await settle();
      },
      command: { argv: podman(lab.at("podman"), "pull", "-q", "--tls-verify=false", name) },
    },
  ];
}

function umociPuller(lab: Lab, { name }: Published): Contender {
  return {
    name: "skopeo + umoci",
    missing: absent("skopeo", "umoci"),
    reset: () => clear(lab.at("umoci")),
    command: { argv: ["sh", "-c", skopeoAndUmoci(name, lab.at("umoci"))] },
  };
}

function ownPuller(lab: Lab, title: string, name: string, driver?: string): Contender {
  const root = lab.at(title.replaceAll(/[^a-z]+/g, "-"));
  return {
    name: title,
    reset: () => clear(root),
    command: {
      argv: [pullrunPath, "--root", root, "pull", "-q", name],
      ...(driver === undefined ? {} : { env: { PULLRUN_ROOTFS_DRIVER: driver } }),
    },
  };
}

/** They start with nothing: layers of another image, even differently compressed, would count as there. */
async function daemonPullers(lab: Lab, { name }: Published): Promise<Contender[]> {
  const [docker, containerd] = [await lab.docker(), await lab.containerd()];
  return [
    {
      name: "docker",
      missing: docker.missing,
      async reset() {
        await done(docker.argv("image", "prune", "--all", "--force"));
        await settle();
      },
      command: { argv: docker.argv("pull", "-q", name) },
    },
    {
      name: "containerd (ctr)",
      missing: containerd.missing,
      async reset() {
        const images = await done(containerd.argv("images", "ls", "-q"));
        const names = images.split("\n").filter((line) => line !== "");
        if (names.length > 0) await done(containerd.argv("images", "rm", "--sync", ...names));
        await settle();
      },
      command: { argv: containerd.argv("images", "pull", "--plain-http", name) },
    },
  ];
}

async function clear(directory: string): Promise<void> {
  emptied(directory);
  await settle();
}

function skopeoAndUmoci(name: string, directory: string): string {
  const copy = `skopeo --insecure-policy copy -q --src-tls-verify=false docker://${name} oci:${directory}/oci:latest`;
  return `${copy} && umoci unpack --image ${directory}/oci:latest ${directory}/bundle >/dev/null 2>&1`;
}

function floor(lab: Lab, { host, repository, layout }: Published): Contender {
  const directory = lab.at("floor");
  const layers = layersOf(layout).map((digest) => `http://${host}/v2/${repository}/blobs/${digest}`);
  const one = [
    `curl -s "$1"`,
    `tee >(sha256sum >/dev/null) "${directory}/$$.gz"`,
    `gunzip -c`,
    `tee >(sha256sum >/dev/null) > "${directory}/$$.tar"`,
  ].join(" | ");
  return {
    name: "floor (shell)",
    missing: absent("curl", "gunzip", "sha256sum"),
    reset: () => clear(directory),
    command: {
      argv: ["bash", "-c", `printf '%s\\n' ${layers.join(" ")} | xargs -P2 -n1 bash -c '${one}' layer`],
    },
  };
}

function layersOf(layout: string): string[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(layout, file), "utf8"));
  const index = read("index.json") as { manifests: { digest: string }[] };
  const hex = index.manifests[0]?.digest.replace("sha256:", "") ?? "";
  return (read(`blobs/sha256/${hex}`) as { layers: { digest: string }[] }).layers.map(({ digest }) => digest);
}
