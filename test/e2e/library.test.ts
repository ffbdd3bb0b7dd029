import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { demoLayout, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { missing, mustRun } from "../support/tools.js";

const repository = path.resolve(import.meta.dirname, "../..");
const needs = `${needsNamespaces}${missing("npm", "make", "cc")}`;

/** README's, on the image that comes with the package. */
function exampleOf(root: string): string {
  const [, code = ""] = /## As a library[\s\S]*?```ts\n([\s\S]*?)```/.exec(readmeText()) ?? [];
  return code
    .replaceAll('"hello-world"', `"oci:${demoLayout}:pullrun/hello-world:latest"`)
    .replace("/var/tmp/images", root);
}

function readmeText(): string {
  return readFileSync(path.join(repository, "README.md"), "utf8");
}

/** What `npm install pullrun` leaves behind, with the packages of this checkout beside it. */
async function installPacked(project: string): Promise<void> {
  const modules = path.join(project, "node_modules");
  mkdirSync(path.join(modules, "pullrun"), { recursive: true });
  for (const name of readdirSync(path.join(repository, "node_modules"))) {
    if (!name.startsWith("."))
      symlinkSync(path.join(repository, "node_modules", name), path.join(modules, name));
  }
  await mustRun("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", project, repository]);
  const archive = readdirSync(project).find((name) => name.endsWith(".tgz")) ?? "";
  await mustRun("tar", [
    "-xzf",
    path.join(project, archive),
    "--strip-components=1",
    "-C",
    path.join(modules, "pullrun"),
  ]);
  // npm's lifecycle `install`.
  await mustRun("make", ["-s", "-C", path.join(modules, "pullrun/helper")]);
}

test.skipIf(needs !== "")(
  `${needs}README's example of the library type-checks and runs in a project that installed the packed package`,
  async () => {
    const project = temporaryDirectory();
    await installPacked(project);
    writeFileSync(path.join(project, "package.json"), '{"type":"module"}');
    writeFileSync(path.join(project, "example.ts"), exampleOf(path.join(project, "store")));
    const tsc = path.join(repository, "node_modules/typescript/bin/tsc");
    const compiler = "--strict --module nodenext --target es2023 --types node --outDir out example.ts".split(
      " ",
    );
    await mustRun(process.execPath, [tsc, ...compiler], { cwd: project });
    const stdout = await mustRun(process.execPath, ["out/example.js"], { cwd: project });
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64} 0 \n?Hello from pullrun!/);
    expect(stdout).toMatch(/hello-world\S* [0-9]+\n$/);
    expect(readdirSync(path.join(project, "store/containers"))).toEqual([]);
  },
  120_000,
);
