import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LaunchError } from "../../core/errors.js";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";

const image = "pullrun/hello-world:latest";

/**
 * The main job with nothing but this machine: serves the built-in images from a registry on localhost that wants a
 * token, and runs the real command against it, with a store of its own that is gone afterwards.
 */
export async function run(invocation: Invocation): Promise<number> {
  const { note, signal } = invocation;
  const root = mkdtempSync(path.join(tmpdir(), "pullrun-demo-"));
  const context = await contextOf(invocation, () => undefined, root);
  const { serveImages } = await import("../../api/serve.js");
  const { missingForNamespaces } = await import("../../api/isolation.js");
  const { removeImage } = await import("../../api/rmi.js");
  const layout = fileURLToPath(new URL("./demo", import.meta.url));
  const onRequest = (line: string): void => note(`registry: ${line}`);
  const server = await serveImages(context, {
    layout,
    address: "127.0.0.1",
    port: 0,
    tokenAuth: true,
    onRequest,
  });
  try {
    const missing = await missingForNamespaces(context);
    if (missing !== undefined) {
      note(`demo: ${missing}`);
      note("demo: using --isolation chroot instead, which is not a sandbox");
    }
    const isolation = missing === undefined ? [] : ["--isolation", "chroot"];
    const name = `${new URL(server.url).host}/${image}`;
    const run = ["run", "--rm", "--network", "none", ...isolation, name];
    note(`demo: pullrun ${run.join(" ")}`);
    const status = await pullrun(["--root", root, ...run], signal);
    if (status !== 0)
      throw new LaunchError("HELPER_FAILED", `demo: the container ended with status ${status} (expected 0)`);
    // Not only by deleting the directory: without root its files belong to the ids of a user namespace.
    await removeImage(context, name);
    return 0;
  } finally {
    await server.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** This same program again, on our own stdin, stdout and stderr. */
function pullrun(args: readonly string[], signal: AbortSignal): Promise<number> {
  const self = fileURLToPath(new URL("./cli.cjs", import.meta.url));
  const child = spawn(process.execPath, [self, ...args], { stdio: "inherit", signal });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
