import { LaunchError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { parseGroup, parseId, parsePasswd, type GroupEntry, type PasswdEntry } from "./accounts.js";

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first, then the others, without repeats. */
  readonly groups: readonly number[];
  readonly home: string;
}

/** The image's account files, undefined where it has none. */
export interface AccountFiles {
  readonly passwd?: string | undefined;
  readonly group?: string | undefined;
}

/**
 * Who the command runs as, by docker's rules (moby/sys user `GetExecUser`): digits are always an id, never a name; an
 * id without a passwd line gets gid 0 and home `/`; an explicit group means no supplementary groups.
 * @param spec `NAME|UID[:GROUP|GID]`, "" for root
 * @throws LaunchError BAD_USER
 */
export function resolveUser(spec: string, files: AccountFiles): ContainerUser {
  const [userPart = "", groupPart, ...rest] = spec.split(":");
  if (rest.length > 0) throw bad(spec, "more than one colon");
  const account = findAccount(spec, userPart, parsePasswd(files.passwd ?? ""));
  const groups = parseGroup(files.group ?? "");
  const home = account.home.startsWith("/") && !account.home.includes("\0") ? account.home : "/";
  if (groupPart !== undefined && groupPart !== "") {
    const gid = findGroup(spec, groupPart, groups);
    return { uid: account.uid, gid, groups: [gid], home };
  }
  const member = groups.filter((group) => account.name !== "" && group.members.includes(account.name));
  const all = new Set([account.gid, ...member.map((group) => group.gid)]);
  return { uid: account.uid, gid: account.gid, groups: [...all], home };
}

/** The user with further groups. @throws LaunchError BAD_USER */
export function withGroups(
  user: ContainerUser,
  groups: readonly string[],
  files: AccountFiles,
): ContainerUser {
  if (groups.length === 0) return user;
  const entries = parseGroup(files.group ?? "");
  const more = groups.map((group) => findGroup(group, group, entries));
  return { ...user, groups: [...new Set([...user.groups, ...more])] };
}

function findAccount(spec: string, user: string, entries: readonly PasswdEntry[]): PasswdEntry {
  const uid = user === "" ? 0 : numeric(spec, user);
  const found = entries.find((entry) => (uid === undefined ? entry.name === user : entry.uid === uid));
  if (found !== undefined) return found;
  if (uid === undefined) throw bad(spec, `no user ${printable(user, 60)} in the image's /etc/passwd`);
  return { name: "", uid, gid: 0, home: "/" };
}

function findGroup(spec: string, group: string, entries: readonly GroupEntry[]): number {
  const gid = numeric(spec, group);
  if (gid !== undefined) return gid;
  const found = entries.find((entry) => entry.name === group);
  if (found === undefined) throw bad(spec, `no group ${printable(group, 60)} in the image's /etc/group`);
  return found.gid;
}

/**
 * The id if `text` looks like a number. One out of range is refused, not looked up as a name: an image that calls
 * root `99999999999` must not get root past a check that saw a number (CVE-2024-40635, CVE-2026-46680).
 */
function numeric(spec: string, text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const id = parseId(text);
  if (id === undefined) throw bad(spec, `${printable(text, 30)} is out of range`);
  return id;
}

function bad(spec: string, problem: string): LaunchError {
  return new LaunchError(
    "BAD_USER",
    `user: ${printable(spec, 80)}: ${problem} (expected a name or 0 to 2147483647)`,
    {
      hint: "choose another with --user NAME|UID[:GROUP|GID]",
    },
  );
}
