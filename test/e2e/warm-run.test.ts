import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { isRoot } from "../support/tools.js";
import { serveFixtures, type Served } from "../support/served.js";

/**
 * A warm run is to take little more than Node itself (docs/adr/0011), so it is told here what it may load. Something new on the
 * way to every container belongs in the lists below; what only some flags need is to be imported where they are used.
 */
let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

interface Loaded {
  readonly scripts: readonly string[];
  /** Our own modules and packages that were initialised, of those that are not always. */
  readonly modules: readonly string[];
  readonly builtins: readonly string[];
}

async function loadedByRun(...flags: readonly string[]): Promise<Loaded> {
  const root = temporaryDirectory();
  const name = `${served.host}/pullrun/hello-world`;
  await pullrun(["run", "--rm", "-q", name], { root });
  const file = path.join(root, "loaded.json");
  const hook = path.resolve(import.meta.dirname, "../support/what-is-loaded.cjs");
  const env = { NODE_OPTIONS: `--require=${hook}`, LOADED: file };
  const { status, stderr } = await pullrun(["run", "--rm", "--network", "none", ...flags, name], {
    root,
    env,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(readFileSync(file, "utf8")) as Loaded;
}

/** What has no business on the way to a container whose image is there. */
const foreign =
  /^src\/registry|ingest|pull|merge|materialise|remove-tree|archive|\/gc|verify|render\/(?!later)|template|node_modules\/(?!valibot)/;

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}a warm run initialises nothing of pulling, unpacking, inspecting or drawing`,
  async () => {
    const { modules } = await loadedByRun();
    expect(modules).toContain("src/api/run.ts");
    expect(modules.filter((name) => foreign.test(name))).toEqual([]);
  },
);

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}a warm run does without the script that has the rest (warmImports in scripts/bundle-cli.ts)`,
  async () => {
    expect((await loadedByRun()).scripts).toEqual(["cli-warm.js"]);
  },
);

test("what every run and every pull take lies compiled beside its script", () => {
  const caches = readdirSync(path.resolve(import.meta.dirname, "../../dist")).filter((name) =>
    name.endsWith(".cache"),
  );
  expect(caches.map((name) => name.replace(/-v.*/, "")).sort()).toEqual(["cli-rest", "cli-warm", "got"]);
});

test("no module is in both scripts, where it would be another one to each", () => {
  const [warm, rest] = ["cli-warm.js", "cli-rest.js"].map((name) => {
    const text = readFileSync(path.resolve(import.meta.dirname, "../../dist", name), "latin1");
    return [...text.matchAll(/^\/\/ (src\/\S+\.ts)$/gm)].map(([, source = ""]) => source);
  });
  expect(warm).toContain("src/core/errors.ts");
  expect(rest).toContain("src/cli/commands/pull.ts");
  expect(rest?.filter((source) => warm?.includes(source))).toEqual([]);
});

test.skipIf(needsNamespaces !== "" || !isRoot)(
  `needs root, whose privilege is not tried: ${needsNamespaces}a warm run loads none of Node's slower modules: no crypto, no streams, no promises of fs`,
  async () => {
    const { builtins } = await loadedByRun();
    const modules = builtins.filter((name) => !name.startsWith("Internal Binding"));
    expect(modules.sort()).toEqual(["NativeModule os", "NativeModule process", "NativeModule vm"]);
  },
);
