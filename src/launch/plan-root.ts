import type { Lower } from "../helper/lower.js";
import type { PlanStep } from "../helper/plan.js";

/** The directories the overlay gets, top first: images are mounted in the container's directory. */
export function lowerDirectories(lowers: readonly Lower[], containerDir: string): string[] {
  return lowers.map((lower, index) => (typeof lower === "string" ? lower : mountPoint(containerDir, index)));
}

/** Makes the mount points, on the host. */
export function mountPointSteps(lowers: readonly Lower[], containerDir: string): PlanStep[] {
  return lowers.flatMap((lower, index): PlanStep[] =>
    typeof lower === "string"
      ? []
      : [{ kind: "make-dir", path: mountPoint(containerDir, index), mode: 0o700 }],
  );
}

/** Mounts the images in the container's mount namespace: nothing of it shows on the host, or outlives the container. */
export function lowerMountSteps(lowers: readonly Lower[], containerDir: string): PlanStep[] {
  const mounts = lowers.flatMap((lower, index): PlanStep[] =>
    typeof lower === "string" ? [] : [{ kind: "mount-erofs", ...lower, at: mountPoint(containerDir, index) }],
  );
  return mounts.length === 0 ? [] : [{ kind: "hint", text: erofsHint }, ...mounts];
}

/** It worked when it was tried (store/erofs-support.ts): something has run out, or is damaged. */
const erofsHint =
  "`pullrun verify --repair` mends the store, --rootfs-driver directories does without erofs; dmesg may say more";

function mountPoint(containerDir: string, index: number): string {
  return `${containerDir}/lower-${index}`;
}
