import { mountFlags } from "../helper/constants.js";
import type { PlanStep } from "../helper/plan.js";
import { parseMountOptions } from "./mount-options.js";
import type { PlacedMount } from "./mounts.js";
import type { Mount } from "./oci-spec.js";
import type { Propagation } from "./options/files.js";

/** A bind that takes two steps: its source has to be held before mounts become private, or lies within a volume. */
export interface MountTree {
  readonly tree: number;
  readonly target: string;
  readonly source: string;
  /** Below `source`; "" for all of it. */
  readonly path: string;
  readonly recursive: boolean;
  /** Whether mounts below keep being writable. */
  readonly topOnly: boolean;
  readonly propagation: Propagation;
}

const { MS_REC, MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_RDONLY } = mountFlags;

const propagations: Readonly<Record<Propagation, number>> = {
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
};

export function mountTrees(mounts: readonly PlacedMount[]): MountTree[] {
  return mounts.flatMap(treeOf).map((tree, index) => ({ ...tree, tree: index }));
}

function treeOf(mount: PlacedMount): Omit<MountTree, "tree">[] {
  const plain = { target: mount.target, path: "", recursive: true, topOnly: false } as const;
  if (mount.type === "volume" && mount.subpath !== undefined) {
    const source = `${mount.directory}/data`;
    return [{ ...plain, source, path: mount.subpath, propagation: "rprivate" }];
  }
  if (mount.type !== "bind") return [];
  const { source, propagation = "rprivate", recursive = "enabled" } = mount;
  const topOnly = recursive === "writable" && mount.readOnly === true;
  if ((propagation === "rprivate" || propagation === "private") && !topOnly) return [];
  return [{ ...plain, source, recursive: recursive !== "disabled", topOnly, propagation }];
}

export function openTreeStep({ tree, source, path, recursive }: MountTree): PlanStep {
  return { kind: "open-tree", tree, source, path, recursive: recursive ? 1 : 0 };
}

/** `mount` is the same one as the spec has it. */
export function attachTreeStep({ tree, target, topOnly, propagation }: MountTree, mount: Mount): PlanStep {
  const { flags } = parseMountOptions(mount.options);
  return {
    kind: "attach-tree",
    tree,
    target,
    flags: topOnly ? flags & ~MS_RDONLY : flags,
    topFlags: topOnly ? flags & ~MS_REC : 0,
    propagation: propagations[propagation],
  };
}

/** What the image has where volumes are mounted; first of all mounts, since those would be copied instead. */
export function copyUpSteps(mounts: readonly PlacedMount[]): PlanStep[] {
  return mounts.flatMap((mount): PlanStep[] =>
    mount.type === "volume" && mount.noCopy !== true && mount.subpath === undefined
      ? [{ kind: "copy-up", target: mount.target, volume: mount.directory }]
      : [],
  );
}

/** Of the volumes that go with the container. */
export function anonymousDirectories(mounts: readonly PlacedMount[]): string[] {
  return mounts.flatMap((mount) => (mount.type === "volume" && mount.anonymous ? [mount.directory] : []));
}
