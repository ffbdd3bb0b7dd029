const elsewhere = "use a store you may write, with --root DIR or PULLRUN_ROOT";
export const diskFullHint =
  "free some space, remove images with `pullrun rmi`, or put the store elsewhere with --root";

const hints: ReadonlyMap<string, string> = new Map([
  ["EACCES", elsewhere],
  ["EPERM", elsewhere],
  ["EROFS", elsewhere],
  ["ENOSPC", diskFullHint],
  ["EDQUOT", diskFullHint],
  ["EMFILE", "allow more open files, such as ulimit -n 1024"],
  ["ENFILE", "the whole machine has too many files open: see sysctl fs.file-max"],
  ["EIO", "the disk fails: see dmesg"],
]);

/** What to do where the machine refuses. Undefined for errors that speak of a mistake of ours, such as ENOENT. */
export function errnoHint(errno: string): string | undefined {
  return hints.get(errno);
}
