import { errnoOf } from "./errors.js";

const elsewhere = "use a store you may write, with --root DIR or PULLRUN_ROOT";
export const diskFullHint =
  "free some space, remove images with `pullrun rmi`, or put the store elsewhere with --root";

const anywhere: readonly (readonly [errno: string, hint: string])[] = [
  ["EMFILE", "allow more open files, such as ulimit -n 1024"],
  ["ENFILE", "the whole machine has too many files open: see sysctl fs.file-max"],
  ["EIO", "the disk fails: see dmesg"],
];

const storeHints: ReadonlyMap<string, string> = new Map([
  ["EACCES", elsewhere],
  ["EPERM", elsewhere],
  ["EROFS", elsewhere],
  ["ENOSPC", diskFullHint],
  ["EDQUOT", diskFullHint],
  ...anywhere,
]);

const notAllowed = "look at its permissions and those of the directories above it, or name another";
export const noRoomHint = "free some space, or name a place on another disk";

const pathHints: ReadonlyMap<string, string> = new Map([
  ["EACCES", notAllowed],
  ["EPERM", notAllowed],
  ["EROFS", "name a place that can be written"],
  ["ENOSPC", noRoomHint],
  ["EDQUOT", noRoomHint],
  ["ENOENT", "look at the path: it, or a directory above it, is not there"],
  ["ENOTDIR", "name a directory: this, or something above it, is none"],
  ["EISDIR", "name a file"],
  ["ELOOP", "a symbolic link on the way leads back to itself: name another"],
  ["ENAMETOOLONG", "a name may have 255 bytes, a whole path 4095"],
  ...anywhere,
]);

/** What to do where the machine refuses. Undefined for errors that speak of a mistake of ours, such as ENOENT. */
export function errnoHint(errno: string): string | undefined {
  return storeHints.get(errno);
}

/** What to do about a path that somebody gave us. */
export function pathHint(errno: string): string | undefined {
  return pathHints.get(errno);
}

/** A system error in the words of libuv, without the name of the errno and of the system call: `permission denied`. */
export function errnoText(error: unknown): string {
  const errno = errnoOf(error);
  if (errno === undefined || !(error instanceof Error)) return "unknown error";
  if (errno === "EISDIR") return "is a directory";
  return /^[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1] ?? errno;
}
