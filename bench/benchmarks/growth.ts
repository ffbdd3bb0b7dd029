import type { Benchmark, Contender } from "../compare.js";
import type { Lab } from "../lab.js";
import { emptied, pullrunPath } from "../peers.js";
import { settle } from "../settle.js";
import type { TreeSize } from "../tree.js";

/** How time and memory of a pull grow. Against the smallest, so × is how many times as much. */
export function growth(lab: Lab, { runs }: { readonly runs: number }): Benchmark[] {
  const files = [1000, 10_000, 100_000, 300_000];
  const layers = [1, 10, 100];
  return [
    {
      name: "growth-files",
      what: "Cold pull to ready of images of small files in 5 layers.",
      runs,
      warmUps: 0,
      prepare: () =>
        sizes(lab, files, (textFiles) => [`${textFiles} files`, { ...plain, layers: 5, textFiles }]),
    },
    {
      name: "growth-layers",
      what: "Cold pull to ready of 5000 small files, in one layer and in many.",
      runs,
      warmUps: 0,
      prepare: () =>
        sizes(lab, layers, (count) => [`${count} layers`, { ...plain, layers: count, textFiles: 5000 }]),
    },
  ];
}

const plain = { binaries: 0, incompressible: 0 };

async function sizes(
  lab: Lab,
  numbers: readonly number[],
  describe: (value: number) => [string, TreeSize],
): Promise<Contender[]> {
  const root = lab.at("growth");
  const made = [];
  for (const [title, size] of numbers.map(describe)) {
    const { name } = await lab.publish(size, { compression: "gzip" });
    made.push({
      name: title,
      async reset() {
        emptied(root);
        await settle();
      },
      command: { argv: [pullrunPath, "--root", root, "pull", "-q", name] },
    });
  }
  return made;
}
