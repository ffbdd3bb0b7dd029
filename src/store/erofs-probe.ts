import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { LaunchError } from "../core/errors.js";
import { cloneFlags } from "../helper/constants.js";
import type { Plan } from "../helper/plan.js";
import { userNamespace } from "../helper/probe.js";
import { blockBytes } from "./erofs-format.js";
import { erofsImage } from "./erofs-image.js";
import { temporaryName } from "./files.js";
import { ownerPolicy } from "./owners.js";
import type { RootfsContext } from "./rootfs.js";
import { newDirectory } from "./tree.js";

/**
 * Mounts a small image over a small tar, and an overlay over that, as a container's root is, in a mount namespace that is
 * gone afterwards. Undefined if that works, else what the kernel said.
 */
export async function probeErofs(context: RootfsContext): Promise<string | undefined> {
  const { helper, paths, signal } = context;
  const directory = temporaryName(paths.rootfs);
  await mkdir(directory, { mode: 0o700 });
  try {
    const plan = await prepare(directory, context);
    await helper.run(plan, signal === undefined ? {} : { signal });
    return undefined;
  } catch (error) {
    if (error instanceof LaunchError && error.code === "HELPER_FAILED") return problemOf(error);
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(directory: string, { privilege }: RootfsContext): Promise<Plan> {
  const at = (name: string): string => path.join(directory, name);
  for (const name of ["lower", "upper", "work", "merged"]) await mkdir(at(name));
  const tree = newDirectory(0);
  const attributes = { ...tree.attributes, mode: 0o644 };
  tree.children.set("file", { kind: "file", attributes, names: 1, size: blockBytes, layer: 0, offset: 0 });
  const policy = ownerPolicy(privilege, () => undefined);
  const uuid = Buffer.alloc(16);
  const image = erofsImage(tree, { tars: [{ tag: "probe", bytes: blockBytes }], policy, uuid });
  await writeFile(at("image"), image.pieces());
  await writeFile(at("tar"), Buffer.alloc(blockBytes));
  return [
    { kind: "clone", ...userNamespace(privilege), flags: cloneFlags.CLONE_NEWNS, cgroupProcs: [] },
    { kind: "private-mounts" },
    { kind: "mount-erofs", image: at("image"), at: at("lower"), devices: [at("tar")] },
    {
      kind: "root-overlay",
      ...{ at: at("merged"), upper: at("upper"), work: at("work"), options: "", lowers: [at("lower")] },
    },
    { kind: "exit", code: 0 },
  ];
}

/** Without the path of our temporary file. */
function problemOf({ message, info }: LaunchError): string {
  const object = info.details?.["object"];
  return typeof object === "string" ? message.replace(`: ${object}`, "") : message;
}
