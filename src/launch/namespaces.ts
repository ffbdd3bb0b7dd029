import { cloneFlags } from "../helper/constants.js";
import type { NamespaceType } from "./oci-spec.js";

const flagOf: Readonly<Record<NamespaceType, number>> = {
  mount: cloneFlags.CLONE_NEWNS,
  pid: cloneFlags.CLONE_NEWPID,
  uts: cloneFlags.CLONE_NEWUTS,
  ipc: cloneFlags.CLONE_NEWIPC,
  network: cloneFlags.CLONE_NEWNET,
  user: cloneFlags.CLONE_NEWUSER,
  cgroup: cloneFlags.CLONE_NEWCGROUP,
};

/** `CLONE_NEW*` of each. */
export function namespaceFlags(types: readonly NamespaceType[]): number {
  return types.reduce((flags, type) => flags | flagOf[type], 0);
}
