import type { Benchmark, Contender } from "../compare.js";
import { contenders, engines, podmanRoot, type Engine } from "../engines.js";
import type { Lab } from "../lab.js";
import { done, resetPodman } from "../peers.js";
import { settle } from "../settle.js";
import type { PullBench } from "./pull.js";

/** A pull when nothing changed, a pull of what is mostly there, and the removal of the image. */
export function repeatAndRemove(lab: Lab, { image, runs }: PullBench): Benchmark[] {
  const common = { lab, image };
  return [
    {
      name: `repull-${image}`,
      what: "Pull of an image that is there and current.",
      runs: runs * 3,
      warmUps: 1,
      async prepare() {
        const { name } = await lab.publish(image, { compression: "gzip" });
        return contenders(await few(lab), (engine) => ({ command: { argv: engine.pull(name) } }));
      },
    },
    {
      name: `pull-${image}-sharing`,
      what: "Pull of an image that shares all layers but its last with one that is there.",
      runs,
      warmUps: 0,
      prepare: () => withOne(common, (engine, _, other) => engine.pull(other)),
    },
    {
      name: `rmi-${image}`,
      what: "Removal of the image; each run pulls it again first, untimed.",
      runs,
      warmUps: 0,
      prepare: () => withOne(common, (engine, name) => engine.remove(name)),
      finish: () => resetPodman(podmanRoot(lab, "again")),
    },
  ];
}

/** Not all: the daemons take most of a minute to pull the image each time. */
async function few(lab: Lab): Promise<Engine[]> {
  return (await engines(lab, "again")).filter(({ name }) => name === "pullrun" || name === "podman");
}

/** Before each run the image is there and its sibling is not. */
async function withOne(
  { lab, image }: Pick<PullBench, "image"> & { readonly lab: Lab },
  command: (engine: Engine, name: string, other: string) => string[],
): Promise<Contender[]> {
  const { name } = await lab.publish(image, { compression: "gzip" });
  const { name: other } = await lab.publish(image, { compression: "gzip", variant: true });
  return contenders(await few(lab), (engine) => ({
    async reset() {
      await done(engine.remove(other)).catch(() => undefined);
      await done(engine.pull(name));
      await settle();
    },
    command: { argv: command(engine, name, other) },
  }));
}
