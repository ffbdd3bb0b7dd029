import { LaunchError } from "../core/errors.js";
import { cloneFlags, mountFlags } from "./constants.js";
import type { Helper } from "./helper.js";
import { mapText } from "./id-maps.js";
import type { Plan, Step } from "./plan.js";
import type { Privilege } from "./privilege.js";

/** The user namespace part of a clone step: flags and maps, none where the privilege needs no namespace. */
export function userNamespace(privilege: Privilege): Pick<CloneStep, MapFields> {
  if (privilege.kind !== "subordinate" && privilege.kind !== "single") {
    return { flags: 0, uidMap: "", gidMap: "", newuidmap: "", newgidmap: "" };
  }
  const programs = privilege.kind === "subordinate" ? privilege : { newuidmap: "", newgidmap: "" };
  return {
    flags: cloneFlags.CLONE_NEWUSER,
    uidMap: mapText(privilege.uidMap),
    gidMap: mapText(privilege.gidMap),
    newuidmap: programs.newuidmap,
    newgidmap: programs.newgidmap,
  };
}

type CloneStep = Extract<Step, { readonly kind: "clone" }>;
type MapFields = "flags" | "uidMap" | "gidMap" | "newuidmap" | "newgidmap";

/**
 * Tries to get a mount namespace with this privilege and to change something in it: on Ubuntu 24.04 AppArmor lets
 * anybody create a user namespace and then takes every capability in it away.
 * @returns why it failed, or undefined when it worked
 */
export function probePrivilege(
  helper: Helper,
  privilege: Privilege,
  signal?: AbortSignal,
): Promise<LaunchError | undefined> {
  return tryPlan(helper, probe(privilege, cloneFlags.CLONE_NEWNS, []), signal);
}

/** Tries all namespaces a container gets and a fresh /proc in them. Undefined when that works, else what is missing. */
export async function probeNamespaces(
  helper: Helper,
  privilege: Privilege,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (privilege.kind === "confined") return privilege.reason;
  const { MS_NOSUID, MS_NODEV, MS_NOEXEC } = mountFlags;
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const failure = await tryPlan(
    helper,
    probe(privilege, containerFlags, [
      { kind: "unshare", flags: cloneFlags.CLONE_NEWCGROUP },
      { kind: "root-dir", path: "/" },
      { kind: "mount", fstype: "proc", source: "proc", target: "/proc", flags, data: "" },
    ]),
    signal,
  );
  return failure?.message;
}

const containerFlags =
  cloneFlags.CLONE_NEWNS |
  cloneFlags.CLONE_NEWUTS |
  cloneFlags.CLONE_NEWIPC |
  cloneFlags.CLONE_NEWPID |
  cloneFlags.CLONE_NEWNET;

function probe(privilege: Privilege, flags: number, steps: Plan): Plan {
  const namespace = userNamespace(privilege);
  return [
    { kind: "clone", ...namespace, flags: namespace.flags | flags, cgroupProcs: [] },
    { kind: "private-mounts" },
    ...steps,
    { kind: "exit", code: 0 },
  ];
}

async function tryPlan(helper: Helper, plan: Plan, signal?: AbortSignal): Promise<LaunchError | undefined> {
  try {
    await helper.run(plan, signal === undefined ? {} : { signal });
    return undefined;
  } catch (error) {
    if (error instanceof LaunchError && error.code === "HELPER_FAILED") return error;
    throw error;
  }
}
