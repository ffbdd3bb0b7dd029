import { hinted } from "./hinted.js";
import type { Lower } from "../helper/lower.js";
import type { PlanStep } from "../helper/plan.js";
import type { Privilege } from "../helper/privilege.js";
import { idMapsOf } from "./id-mappings.js";

interface RootInput {
  /** Absolute. */
  readonly containerDir: string;
  /** What the root filesystem is made of, top first, at least one. */
  readonly lowers: readonly Lower[];
  /** A host directory that is the root filesystem, as it is; then there are no lowers. */
  readonly rootDir?: string | undefined;
  readonly privilege: Privilege;
}

/** What {@link rootSteps} mounts on and from. */
export function directorySteps(lowers: readonly Lower[], containerDir: string): PlanStep[] {
  return [
    { kind: "make-dir", path: `${containerDir}/work`, mode: 0o700 },
    { kind: "make-dir", path: `${containerDir}/merged`, mode: 0o700 },
    ...mountPointSteps(lowers, containerDir),
  ];
}

/** The root filesystem of a container: its lowers and what it has written, as one. */
export function rootSteps({ containerDir, lowers, privilege, rootDir }: RootInput): PlanStep[] {
  if (rootDir !== undefined) return [{ kind: "root-bind", path: rootDir }];
  if (lowers.length === 0) throw new Error("a root filesystem needs at least one lower directory");
  const unprivileged = idMapsOf(privilege) !== undefined;
  const kernel = unprivileged ? ", and rootless Linux 5.11 or later" : "";
  return [
    ...lowerMountSteps(lowers, containerDir),
    // Owner and mode of the container's root directory: made by its root, who need not be us.
    { kind: "make-dir", path: `${containerDir}/upper`, mode: 0o755 },
    ...hinted(
      `overlay needs a store on a local filesystem such as ext4, xfs or tmpfs${kernel}: choose one with --root`,
      {
        kind: "root-overlay",
        at: `${containerDir}/merged`,
        upper: `${containerDir}/upper`,
        work: `${containerDir}/work`,
        // Attributes in `trusted.` are not for user namespaces (kernel overlayfs.rst, "User xattr").
        options: unprivileged ? "userxattr" : "",
        lowers: lowerDirectories(lowers, containerDir),
      },
    ),
  ];
}

/** The directories the overlay gets, top first: images are mounted in the container's directory. */
function lowerDirectories(lowers: readonly Lower[], containerDir: string): string[] {
  return lowers.map((lower, index) => (typeof lower === "string" ? lower : mountPoint(containerDir, index)));
}

/** Makes the mount points, on the host. */
function mountPointSteps(lowers: readonly Lower[], containerDir: string): PlanStep[] {
  return lowers.flatMap((lower, index): PlanStep[] =>
    typeof lower === "string"
      ? []
      : [{ kind: "make-dir", path: mountPoint(containerDir, index), mode: 0o700 }],
  );
}

/** Mounts the images in the container's mount namespace: nothing of it shows on the host, or outlives the container. */
function lowerMountSteps(lowers: readonly Lower[], containerDir: string): PlanStep[] {
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
