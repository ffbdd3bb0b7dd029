import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildFixtures } from "../../fixtures/layout.js";
import { skopeoCopy } from "../../test/support/peers.js";
import { runTool } from "../../test/support/tools.js";
import type { Benchmark, Contender } from "../compare.js";
import { contenders, engines, podmanRoot, type Engine } from "../engines.js";
import type { Lab } from "../lab.js";
import { absent, done, emptied, peerLibraries, pullrunPath, resetPodman } from "../peers.js";

export interface RunBench {
  readonly runs: number;
}

/** Start to end of a container whose image is there: what a user waits for each time. */
export function warmRun(lab: Lab, { runs }: RunBench): Benchmark {
  return {
    name: "run-warm",
    what: "`run --rm --network none` of hello-world, which is there: from start to end of the command. `node -e 0` is what starting Node alone costs. Of docker the memory is the client's.",
    runs,
    warmUps: 2,
    async prepare() {
      const { list, name } = await withHello(lab);
      const bundle = await bundleOf(lab, name);
      return [
        ...contenders(list, (engine) => ({ command: { argv: engine.run(name, []) } })),
        { name: "node -e 0", command: { argv: [process.execPath, "-e", "0"] } },
        await runtime("runc, ready bundle", ["runc"], lab.at("runc"), bundle),
        await runtime(
          "crun, ready bundle",
          ["env", `LD_LIBRARY_PATH=${peerLibraries()}`, "crun"],
          lab.at("crun"),
          bundle,
        ),
        {
          name: "bubblewrap, ready directory",
          missing: absent("bwrap"),
          command: { argv: ["bwrap", "--unshare-all", "--bind", path.join(bundle, "rootfs"), "/", "/hello"] },
        },
      ];
    },
  };
}

/** Many containers, one after the other and all together. */
export function manyRuns(lab: Lab, { runs }: RunBench): Benchmark[] {
  const shell = (script: (command: string) => string): (() => Promise<Contender[]>) => {
    return async () => {
      const { list, name } = await withHello(lab);
      return contenders(
        list.filter(({ other }) => other("version") !== undefined),
        (engine) => {
          const command = engine.run(name, []).join(" ");
          return { command: { argv: ["sh", "-c", script(`${command} >/dev/null`)] } };
        },
      );
    };
  };
  return [
    {
      name: "run-50",
      what: "50 runs of hello-world, one after the other.",
      runs,
      warmUps: 0,
      prepare: shell((command) => `for i in $(seq 50); do ${command} || exit; done`),
    },
    {
      name: "run-20-at-once",
      what: "20 runs of hello-world at the same time, until the last has ended.",
      runs,
      warmUps: 0,
      prepare: shell((command) => `seq 20 | xargs -P20 -n1 sh -c '${command}'`),
      finish: () => resetPodman(podmanRoot(lab, "run")),
    },
  ];
}

interface Ready {
  readonly list: Engine[];
  readonly name: string;
}

/** Every engine with hello-world. */
export function withHello(lab: Lab): Promise<Ready> {
  return withFixture(lab, "hello-world");
}

/** Every engine with the program that tests use: it can sleep and exit. */
export function withProbe(lab: Lab): Promise<Ready> {
  return withFixture(lab, "probe");
}

async function withFixture(lab: Lab, fixture: string): Promise<Ready> {
  const layout = lab.at("fixtures");
  await buildFixtures(layout);
  const host = await lab.registry();
  const name = `${host}/bench/${fixture}:latest`;
  await skopeoCopy(`oci:${layout}:pullrun/${fixture}:latest`, `docker://${name}`);
  const list = await engines(lab, "run");
  for (const engine of list) if (engine.missing === undefined) await done(engine.pull(name));
  return { list, name };
}

async function bundleOf(lab: Lab, name: string): Promise<string> {
  const bundle = emptied(lab.at("bundle"));
  const own = (...args: readonly string[]): string[] => [
    pullrunPath,
    "--root",
    lab.at("run-pullrun"),
    ...args,
  ];
  await done(own("unpack", "--pull=never", name, path.join(bundle, "rootfs")));
  writeFileSync(
    path.join(bundle, "config.json"),
    await done(own("spec", "--pull=never", "--network", "none", name)),
  );
  return bundle;
}

/** An OCI runtime without an engine around it; absent with its own words where it refuses this machine. */
async function runtime(
  name: string,
  program: readonly string[],
  root: string,
  bundle: string,
): Promise<Contender> {
  const tool = program.at(-1) ?? "";
  const argv = ["sh", "-c", `exec "$@" --root ${root} run -b ${bundle} bench-$$`, "sh", ...program];
  const lacking = absent(tool);
  if (lacking !== undefined) return { name, missing: lacking, command: { argv } };
  mkdirSync(root, { recursive: true });
  const [file = "", ...args] = argv;
  const { status, stderr } = await runTool(file, args);
  return { name, missing: status === 0 ? undefined : `${tool} refuses: ${stderr.trim()}`, command: { argv } };
}
