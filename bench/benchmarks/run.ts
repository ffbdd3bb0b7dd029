import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildFixtures } from "../../fixtures/layout.js";
import { missing, mustRun } from "../../test/support/tools.js";
import type { Benchmark, Contender } from "../compare.js";
import { absent, emptied, pullrunPath } from "../peers.js";

const image = "localhost/pullrun/hello-world:latest";

/** Start to end of a container whose image is there: what a user waits for each time. */
export function warmRun({ scratch, runs }: { readonly scratch: string; readonly runs: number }): Benchmark {
  return {
    name: "run-warm",
    what: "`run` of an image that is there, without a network: from start to end of the command. `node -e 0` is what starting Node alone costs.",
    runs,
    warmUps: 2,
    prepare: () => prepare(scratch),
  };
}

async function prepare(scratch: string): Promise<Contender[]> {
  const layout = path.join(scratch, "fixtures");
  await buildFixtures(layout);
  const root = emptied(path.join(scratch, "run-pullrun"));
  const name = `oci:${layout}:pullrun/hello-world:latest`;
  await mustRun(pullrunPath, ["--root", root, "pull", "-q", name]);
  const stored = (
    JSON.parse(await mustRun(pullrunPath, ["--root", root, "images", "--json"])) as { id: string }[]
  )[0]?.id;
  const bundle = await runcBundle(root, stored ?? image, scratch);
  return [
    {
      name: "pullrun",
      command: { argv: [pullrunPath, "--root", root, "run", "--pull=never", stored ?? image] },
    },
    { name: "node -e 0", command: { argv: [process.execPath, "-e", "0"] } },
    {
      name: "runc, ready bundle",
      ...(missing("runc") === "" ? {} : { missing: "needs runc" }),
      command: { argv: ["sh", "-c", `exec runc --root ${scratch}/runc run -b ${bundle} bench-$$`] },
    },
    {
      name: "bubblewrap, ready directory",
      ...(absent("bwrap") === undefined ? {} : { missing: "needs bwrap" }),
      command: { argv: ["bwrap", "--unshare-all", "--bind", path.join(bundle, "rootfs"), "/", "/hello"] },
    },
  ];
}

async function runcBundle(root: string, id: string, scratch: string): Promise<string> {
  const bundle = emptied(path.join(scratch, "bundle"));
  await mustRun(pullrunPath, ["--root", root, "unpack", "--pull=never", id, path.join(bundle, "rootfs")]);
  const spec = await mustRun(pullrunPath, ["--root", root, "spec", "--pull=never", id]);
  writeFileSync(path.join(bundle, "config.json"), spec);
  mkdirSync(path.join(scratch, "runc"), { recursive: true });
  return bundle;
}
