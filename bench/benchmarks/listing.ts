import { existsSync } from "node:fs";
import type { Benchmark, Contender } from "../compare.js";
import { contenders, engines, podmanRoot, type Engine } from "../engines.js";
import { manyImages } from "../image.js";
import type { Lab } from "../lab.js";
import { done, resetPodman } from "../peers.js";

const counts = [1, 500];

/** What is asked of a store all day, with one image in it and with many. */
export function listing(lab: Lab, { runs }: { readonly runs: number }): Benchmark[] {
  return [
    ...counts.map((count): Benchmark => ({
      name: `images-${count}`,
      what: `The list of images with ${count} in the store.`,
      runs,
      warmUps: 1,
      prepare: async () => asked(await filled(lab, count), () => ["images"]),
      finish: () => resetPodman(podmanRoot(lab, `list-${count}`)),
    })),
    {
      name: "look-inside",
      what: "`ls -R` of the large image, and `diff` of it with one that differs in a layer (80,000 entries each), beside few images and many. No peer can without running something.",
      runs,
      warmUps: 1,
      prepare: () => looks(lab),
    },
  ];
}

function asked(list: readonly Engine[], question: (engine: Engine) => string[]): Contender[] {
  return contenders(list, (engine) => {
    const argv = engine.other(...question(engine));
    return argv === undefined ? undefined : { command: { argv } };
  });
}

/** Ours and podman with so many images. */
async function filled(lab: Lab, count: number): Promise<Engine[]> {
  const layout = manyImages(lab.at("images"), count);
  const names = Array.from({ length: count }, (_, i) => `oci:${layout}:n${i}`);
  const [own, podman] = await engines(lab, `list-${count}`);
  if (own === undefined || podman === undefined) return [];
  const ours = (...args: readonly string[]): Promise<string> => done(own.other(...args) ?? []);
  const there = await ours("images", "-q").catch(() => "");
  if (there.split("\n").length <= count) await ours("pull", "-q", ...names);
  if (podman.missing !== undefined) return [own, podman];
  if (count > 100) return [own, { ...podman, missing: "not tried: loading so many takes it minutes" }];
  const archive = lab.at(`list-${count}.tar`);
  if (!existsSync(archive)) await ours("save", "-o", archive, ...names);
  await done(podman.other("load", "-q", "-i", archive) ?? []);
  return [own, podman];
}

async function looks(lab: Lab): Promise<Contender[]> {
  const { name } = await lab.publish("large", { compression: "gzip" });
  const { name: other } = await lab.publish("large", { compression: "gzip", variant: true });
  const made: Contender[] = [];
  for (const count of counts) {
    const [own] = await filled(lab, count);
    const argv = (...args: readonly string[]): string[] => own?.other(...args) ?? [];
    await done(argv("pull", "-q", name, other));
    made.push(
      { name: `${count + 2} images: ls -R`, command: { argv: argv("ls", "-R", name) } },
      { name: `${count + 2} images: diff`, command: { argv: argv("diff", name, other) } },
    );
  }
  return made;
}
