import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Benchmark, Contender } from "../compare.js";
import { contenders, engines, podmanRoot, pullrunEngine, type Engine } from "../engines.js";
import type { Lab } from "../lab.js";
import { done, emptied, resetPodman } from "../peers.js";
import { settle } from "../settle.js";

export interface ReadBench {
  readonly runs: number;
}

/** What an image costs when it is used: a root file system that is quick to make may be slow to read. */
export function reading(lab: Lab, { runs }: ReadBench): Benchmark[] {
  // The layers' directories (bench/tree.ts): the third has the large file, the fourth only small ones and binaries.
  const large = "/usr/share/l2/model.bin";
  const many = "/usr/share/l3";
  return [
    {
      name: "read-first",
      what: "From nothing to the first file read: pull of the many-layer image, then a container that reads one file of it.",
      runs,
      warmUps: 0,
      async prepare() {
        const { name } = await lab.publish("many", { compression: "gzip" });
        const { list, flags } = await readers(lab);
        return contenders(list, (engine) => ({
          async reset() {
            await done(engine.remove(name)).catch(() => undefined);
            await settle();
          },
          command: both(
            engine.pull(name),
            engine.run(name, ["/tools/reader", "/usr/share/l59/d1/f25.txt"], flags),
          ),
        }));
      },
    },
    {
      name: "read-cold-many",
      what: "A container that reads the files of the large image's fourth layer (some 16,000, 130 MB), nothing of them in the page cache.",
      runs,
      warmUps: 0,
      prepare: () => cold(lab, many),
    },
    {
      name: "read-cold-large",
      what: "A container that reads one file of 150 MB of the large image, not in the page cache.",
      runs,
      warmUps: 0,
      prepare: () => cold(lab, large),
      finish: () => resetPodman(podmanRoot(lab, "read")),
    },
  ];
}

async function cold(lab: Lab, file: string): Promise<Contender[]> {
  const { name } = await lab.publish("large", { compression: "gzip" });
  const { list, flags } = await readers(lab);
  for (const engine of list) if (engine.missing === undefined) await done(engine.pull(name));
  return contenders(list, (engine) => ({
    async reset() {
      await settle();
      writeFileSync("/proc/sys/vm/drop_caches", "3");
    },
    command: { argv: engine.run(name, ["/tools/reader", file], flags) },
  }));
}

/** Ours with both drivers, and podman; the program that reads is mounted into their containers. */
async function readers(lab: Lab): Promise<{ readonly list: Engine[]; readonly flags: readonly string[] }> {
  const tools = emptied(lab.at("tools"));
  const program = path.join(tools, "reader");
  await done(["cc", "-O2", "-Wall", "-static", "-o", program, path.resolve("bench/reader.c")]);
  const [own, podman] = await engines(lab, "read");
  const list = [own, pullrunEngine(lab, "read", "directories"), podman].filter(
    (engine) => engine !== undefined,
  );
  return { list, flags: ["--network", "none", "-v", `${tools}:/tools:ro`] };
}

function both(first: readonly string[], second: readonly string[]): Contender["command"] {
  return { argv: ["sh", "-c", `${quoted(first)} && exec ${quoted(second)}`] };
}

function quoted(argv: readonly string[]): string {
  return argv.map((word) => `'${word}'`).join(" ");
}
