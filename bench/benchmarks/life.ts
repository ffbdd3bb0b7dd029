import type { Benchmark, Contender } from "../compare.js";
import { contenders, podmanRoot, type Engine } from "../engines.js";
import type { Lab } from "../lab.js";
import { done, resetPodman } from "../peers.js";
import { withHello, withProbe } from "./run.js";

/** A container that stays: how long until it runs, and what one more command in it costs. */
export function living(lab: Lab, { runs }: { readonly runs: number }): Benchmark[] {
  return [
    {
      name: "run-bridge",
      what: "`run --rm --network bridge` of hello-world, which is there. docker's daemon is started without bridges here.",
      runs,
      warmUps: 1,
      async prepare() {
        const { list, name } = await withHello(lab);
        const able = list.filter((engine) => engine.other("") !== undefined && engine.name !== "docker");
        return working(able, (engine) => engine.run(name, [], ["--network", "bridge"]));
      },
    },
    {
      name: "run-detached",
      what: "`run -d --rm --network none` of hello-world: until the command returns.",
      runs,
      warmUps: 1,
      async prepare() {
        const { list, name } = await withHello(lab);
        const able = list.filter((engine) => engine.other("") !== undefined);
        return working(able, (engine) => engine.run(name, [], ["-d", "--network", "none"]));
      },
    },
    {
      name: "exec",
      what: "`exec` of a small static program in a container that runs.",
      runs,
      warmUps: 1,
      async prepare() {
        const { list, name } = await withProbe(lab);
        const able = list.filter((engine) => engine.other("") !== undefined);
        for (const engine of able) {
          await remove(engine);
          const argv = engine.run(name, ["sleep", "3600"], ["-d", "--network", "none", "--name", container]);
          await done(argv).catch(() => undefined);
        }
        return [
          ...(await working(
            able,
            (engine) => engine.other("exec", container, "/bin/probe", "exit", "0") ?? [],
          )),
        ];
      },
      async finish() {
        for (const engine of (await withProbe(lab)).list) await remove(engine);
        await resetPodman(podmanRoot(lab, "run"));
      },
    },
  ];
}

const container = "bench-exec";

async function remove(engine: Engine): Promise<void> {
  const argv = engine.other("rm", "-f", container);
  if (argv !== undefined && engine.missing === undefined) await done(argv).catch(() => undefined);
}

/** What an engine cannot do here is found by trying, and reported with its own words. */
async function working(list: readonly Engine[], argv: (engine: Engine) => string[]): Promise<Contender[]> {
  const tried = await Promise.all(
    list.map(async (engine) => {
      if (engine.missing !== undefined) return engine;
      const problem = await done(argv(engine)).then(
        () => undefined,
        (error: unknown) =>
          error instanceof Error ? error.message.replace(/^.*exit status/s, "exit status") : "failed",
      );
      return { ...engine, missing: problem };
    }),
  );
  return contenders(tried, (engine) => ({ command: { argv: argv(engine) } }));
}
