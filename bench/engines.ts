import type { Contender } from "./compare.js";
import type { Lab } from "./lab.js";
import { absent, podman, podmanLimits, pullrunPath } from "./peers.js";

/** A tool that keeps images and runs them: the same wishes, each in its own words. */
export interface Engine {
  readonly name: string;
  readonly missing: string | undefined;
  pull(image: string): string[];
  remove(image: string): string[];
  /** `flags` are docker's, which all but ctr take. Without a network unless they say so. */
  run(image: string, args: readonly string[], flags?: readonly string[]): string[];
  /** Other commands; undefined where there is no such thing. */
  other(...args: readonly string[]): string[] | undefined;
}

/** Each keeps what it has below `lab`, in directories that benchmarks of the same `purpose` share. */
export async function engines(lab: Lab, purpose: string): Promise<Engine[]> {
  return [
    pullrunEngine(lab, purpose),
    podmanEngine(lab, purpose),
    await dockerEngine(lab),
    await ctrEngine(lab),
  ];
}

export function pullrunEngine(lab: Lab, purpose: string, driver = "erofs"): Engine {
  const root = lab.at(`${purpose}-pullrun${driver === "erofs" ? "" : `-${driver}`}`);
  const best = driver === "erofs" ? [] : ["--rootfs-driver", driver];
  const own = (...args: readonly string[]): string[] => [pullrunPath, "--root", root, ...best, ...args];
  return {
    name: driver === "erofs" ? "pullrun" : `pullrun, ${driver}`,
    missing: undefined,
    pull: (image) => own("pull", "-q", image),
    remove: (image) => own("rmi", image),
    run: (image, args, flags = noNetwork) => own("run", "--rm", ...flags, image, ...args),
    other: own,
  };
}

const noNetwork = ["--network", "none"];

function podmanEngine(lab: Lab, purpose: string): Engine {
  const root = podmanRoot(lab, purpose);
  return {
    name: "podman",
    missing: absent("podman", "runc"),
    pull: (image) => podman(root, "pull", "-q", "--tls-verify=false", image),
    remove: (image) => podman(root, "rmi", image),
    run: (image, args, flags = noNetwork) =>
      podman(root, "run", "--rm", ...podmanLimits, ...flags, image, ...args),
    other: (...args) => podman(root, ...args),
  };
}

export function podmanRoot(lab: Lab, purpose: string): string {
  return lab.at(`${purpose}-podman`);
}

async function dockerEngine(lab: Lab): Promise<Engine> {
  const { missing, argv } = await lab.docker();
  return {
    name: "docker",
    missing,
    pull: (image) => argv("pull", "-q", image),
    remove: (image) => argv("image", "rm", "-f", image),
    run: (image, args, flags = noNetwork) => argv("run", "--rm", ...flags, image, ...args),
    other: argv,
  };
}

async function ctrEngine(lab: Lab): Promise<Engine> {
  const { missing, argv } = await lab.containerd();
  return {
    name: "containerd (ctr)",
    missing,
    pull: (image) => argv("images", "pull", "--plain-http", image),
    remove: (image) => argv("images", "rm", "--sync", image),
    // ctr has no networks but the host's: a namespace without any is its default.
    run: (image, args) => [
      "sh",
      "-c",
      `exec "$@" bench-$$ ${args.map((arg) => `'${arg}'`).join(" ")}`,
      "sh",
      ...argv("run", "--rm", image),
    ],
    other: () => undefined,
  };
}

/** One contender per engine. */
export function contenders(
  list: readonly Engine[],
  make: (engine: Engine) => (Pick<Contender, "command"> & Partial<Contender>) | undefined,
): Contender[] {
  return list.flatMap((engine) => {
    const made = make(engine);
    return made === undefined ? [] : [{ name: engine.name, missing: engine.missing, ...made }];
  });
}
