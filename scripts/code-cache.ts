/**
 * `build/code-cache.js DIST`: writes V8's compiled form of the command line, with the functions a few usual commands
 * went through. Their output is of no interest.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import module from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createContext } from "../src/api/context.js";
import { serveImages } from "../src/api/serve.js";
import { openCommandLine } from "../src/cli/code.js";

const [, , dist = "dist"] = process.argv;
const directory = path.resolve(dist);
const root = mkdtempSync(path.join(tmpdir(), "pullrun-build-"));
const { main, loaded } = openCommandLine(directory, module.createRequire(import.meta.url));
const layout = path.join(directory, "demo");
const image = "pullrun/hello-world:latest";
const name = "docker.io/pullrun/hello-world";
process.stderr.write = () => true;
try {
  await main(["--root", root, "pull", "-q", `oci:${layout}:${image}`]);
  for (const network of ["none", "host"]) {
    await main(["--root", root, "run", "--rm", "--network", network, "--pull=never", "--dry-run", name]);
  }
  await main(["--root", root, "images"]);
  const registry = { layout, address: "127.0.0.1", port: 0, tokenAuth: true, onRequest: () => undefined };
  // Where nothing may listen, the cache is for everything but pulls.
  const server = await serveImages(createContext({ root, emit: () => undefined }), registry).catch(() => {});
  if (server !== undefined) {
    await main(["--root", path.join(root, "other"), "pull", "-q", `${new URL(server.url).host}/${image}`]);
    await server.close();
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
for (const { cacheFile, script } of loaded) writeFileSync(cacheFile, script.createCachedData());
process.exitCode = 0;
