import type { IdMapping } from "./privilege.js";

/** Whose lines count in /etc/subuid: subuid(5) allows names and numbers. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Undefined when the user has no passwd entry. */
  readonly name: string | undefined;
}

export interface IdRange {
  readonly start: number;
  readonly count: number;
}

/** Ids are 32 bits, and the last one means "none". */
const maxId = 0xffff_fffe;

/** The account's ranges in the text of /etc/subuid or /etc/subgid, in order. Lines that make no sense are skipped. */
export function parseSubordinateIds(text: string, account: Account): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [owner, ...numbers] = line.trim().split(":");
    const own = owner === String(account.uid) || (account.name !== undefined && owner === account.name);
    return own && numbers.length === 2 ? parseRange(numbers) : [];
  });
}

/** The ranges in the output of getsubids(1): `0: alice 100000 65536`. */
export function parseGetsubids(output: string): IdRange[] {
  return output.split("\n").flatMap((line) => {
    const words = line.trim().split(/\s+/);
    return words.length === 4 ? parseRange(words.slice(2)) : [];
  });
}

function parseRange(numbers: readonly string[]): IdRange[] {
  if (!numbers.every((text) => /^[0-9]{1,10}$/.test(text))) return [];
  const [start = 0, count = 0] = numbers.map(Number);
  return count > 0 && start > 0 && start + count - 1 <= maxId ? [{ start, count }] : [];
}

/** Ourselves as 0, then the ranges one after the other from 1 on, as podman maps them. */
export function subordinateMap(own: number, ranges: readonly IdRange[]): IdMapping[] {
  const map: IdMapping[] = [...singleMap(own)];
  let inside = 1;
  for (const { start, count } of ranges) {
    map.push({ inside, outside: start, count });
    inside += count;
  }
  return map;
}

/** Ourselves as 0 and nobody else. */
export function singleMap(own: number): IdMapping[] {
  return [{ inside: 0, outside: own, count: 1 }];
}

/** The text of /proc/self/uid_map. */
export function parseIdMap(text: string): IdMapping[] {
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((numbers) => numbers.length === 3)
    .map(([inside = 0, outside = 0, count = 0]) => ({ inside, outside, count }));
}

/** True for the map of the initial user namespace, in which every id is itself. */
export function isInitialMap(map: readonly IdMapping[]): boolean {
  return map.length === 1 && map[0]?.inside === 0 && map[0].outside === 0 && map[0].count > maxId;
}

/** For a namespace inside ours: every id we have, as itself. */
export function identityMap(own: readonly IdMapping[]): IdMapping[] {
  return own.map(({ inside, count }) => ({ inside, outside: inside, count }));
}

/** As `clone` steps and /proc/PID/uid_map take it. */
export function mapText(map: readonly IdMapping[]): string {
  return map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join("");
}
