import { readFileSync } from "node:fs";
import { release } from "node:os";
import path from "node:path";
import * as v from "valibot";
import { atomicWrite, withStoreErrors } from "./files.js";
import type { RootfsContext } from "./rootfs.js";

/** What trying it once has shown, and on which boot of which kernel that was. */
const verdictSchema = v.object({
  boot: v.string(),
  kernel: v.string(),
  /** Why not; absent where it works. */
  problem: v.optional(v.string()),
});
type Verdict = v.InferOutput<typeof verdictSchema>;

const bootIdFile = "/proc/sys/kernel/random/boot_id";

/**
 * Why EROFS root file systems cannot be mounted from this store, undefined if they can. Found out by mounting one, once
 * per store and boot; a refusal is then told as a warning, and tried again only for whoever insists on EROFS.
 */
export async function erofsProblem(context: RootfsContext): Promise<string | undefined> {
  const { paths, rootfsDriver, emit } = context;
  const file = path.join(paths.rootfs, "erofs.json");
  const boot = readBootId();
  const known = readVerdict(file);
  const isCurrent = known?.boot === boot && known.kernel === release();
  if (isCurrent && (known.problem === undefined || rootfsDriver === undefined)) return known.problem;
  const problem = await withStoreErrors("root file system", paths.rootfs, () => tryErofs(context));
  const verdict: Verdict = { boot, kernel: release(), ...(problem === undefined ? {} : { problem }) };
  await atomicWrite(file, Buffer.from(JSON.stringify(verdict)), 0o600);
  if (problem !== undefined && rootfsDriver === undefined) {
    emit?.({
      type: "warning",
      message: `unpacking images into directories: erofs does not work here: ${problem}`,
    });
  }
  return problem;
}

function readBootId(): string {
  try {
    return readFileSync(bootIdFile, "latin1").trim();
  } catch {
    return "";
  }
}

async function tryErofs(context: RootfsContext): Promise<string | undefined> {
  const { probeErofs } = await import("./erofs-probe.js");
  return probeErofs(context);
}

function readVerdict(file: string): Verdict | undefined {
  try {
    return v.parse(verdictSchema, JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}
