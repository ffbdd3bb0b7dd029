import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { errnoOf } from "../core/errors.js";
import { readCommand } from "./child.js";
import { capabilityNames } from "./constants.js";
import { explainDenial, hasCapability } from "./denial.js";
import { findProgram } from "./find-program.js";
import type { Helper } from "./helper.js";
import {
  identityMap,
  isInitialMap,
  parseGetsubids,
  parseIdMap,
  parseSubordinateIds,
  singleMap,
  subordinateMap,
  type Account,
  type IdRange,
} from "./id-maps.js";
import type { IdMapping, Privilege } from "./privilege.js";
import { probePrivilege } from "./probe.js";

export interface DetectOptions {
  readonly helper: Helper;
  readonly signal?: AbortSignal;
}

const sysAdmin = capabilityNames.indexOf("CAP_SYS_ADMIN");

/**
 * The most this process may do: see {@link Privilege}. Root with CAP_SYS_ADMIN is believed, since each `run` asks; all
 * else is found by trying, some milliseconds for each try. Call it once.
 */
export async function detectPrivilege({ helper, signal }: DetectOptions): Promise<Privilege> {
  const status = readText("/proc/self/status");
  let failure = "";
  for (const candidates of candidatesFor(status)) {
    for (const candidate of await candidates()) {
      if (candidate.kind === "root") return candidate;
      const problem = await probePrivilege(helper, candidate, signal);
      if (problem === undefined) return candidate;
      failure = problem.message;
    }
  }
  const { uid } = ownAccount();
  return { kind: "confined", uid, reason: explainDenial(failure, denialFacts(status)) };
}

/** The best first. Each is asked for only if those before it are not possible: to know our own name takes NSS. */
function candidatesFor(status: string): (() => Privilege[] | Promise<Privilege[]>)[] {
  return [() => privileged(status), () => subordinate(ownAccount()), () => [single(ownAccount())]];
}

function ownAccount(): Account {
  const ids = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  try {
    return { ...ids, name: userInfo().username };
  } catch {
    // No passwd entry, as with `docker run --user 1234`: subuid lines by number still count.
    return { ...ids, name: undefined };
  }
}

/**
 * With CAP_SYS_ADMIN over our namespace. Inside a user namespace (podman's, say) that is not root's power: there are no
 * device nodes and no trusted.* attributes, so containers get a namespace of their own with the ids we have.
 */
function privileged(status: string): Privilege[] {
  if (!hasCapability(status, sysAdmin)) return [];
  const uids = parseIdMap(readText("/proc/self/uid_map"));
  if (isInitialMap(uids)) return [{ kind: "root" }];
  if (uids.every(({ count }) => count === 1)) return [];
  const gids = parseIdMap(readText("/proc/self/gid_map"));
  return [mapped(identityMap(uids), identityMap(gids), { newuidmap: "", newgidmap: "" })];
}

async function subordinate(account: Account): Promise<Privilege[]> {
  const [newuidmap, newgidmap] = [findProgram("newuidmap"), findProgram("newgidmap")];
  if (newuidmap === undefined || newgidmap === undefined) return [];
  const [uids, gids] = await Promise.all([ranges(account, "/etc/subuid"), ranges(account, "/etc/subgid")]);
  if (uids.length === 0 || gids.length === 0) return [];
  const programs = { newuidmap, newgidmap };
  return [mapped(subordinateMap(account.uid, uids), subordinateMap(account.gid, gids), programs)];
}

function mapped(
  uidMap: readonly IdMapping[],
  gidMap: readonly IdMapping[],
  programs: { readonly newuidmap: string; readonly newgidmap: string },
): Privilege {
  return { kind: "subordinate", uidMap, gidMap, ...programs };
}

function single(account: Account): Privilege {
  return { kind: "single", uidMap: singleMap(account.uid), gidMap: singleMap(account.gid) };
}

/** From the file, or where that has none from getsubids, which also knows directory services (nsswitch.conf, subid). */
async function ranges(account: Account, file: "/etc/subuid" | "/etc/subgid"): Promise<IdRange[]> {
  const listed = parseSubordinateIds(readText(file), account);
  if (listed.length > 0 || account.name === undefined) return listed;
  const getsubids = findProgram("getsubids");
  if (getsubids === undefined) return [];
  const group = file === "/etc/subgid" ? ["-g"] : [];
  return parseGetsubids(await readCommand(getsubids, [...group, account.name]));
}

function denialFacts(status: string): Parameters<typeof explainDenial>[1] {
  return {
    unprivilegedClone: readText("/proc/sys/kernel/unprivileged_userns_clone"),
    maxNamespaces: readText("/proc/sys/user/max_user_namespaces"),
    apparmorRestricts: readText("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
    status,
  };
}

/** "" for a file that is not there or not for us. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isAbsence(error)) return "";
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "EACCES", "EPERM"].includes(errnoOf(error) ?? "");
}
