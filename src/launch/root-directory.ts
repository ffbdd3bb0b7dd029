import type { FileOptions, RootDirectory } from "./options/files.js";

/** With --rootfs DIR the directory itself: what the container writes is in it. */
export function boundRoot({ rootDir }: FileOptions): string | undefined {
  return rootDir?.overlay === false ? rootDir.path : undefined;
}

/** With --rootfs DIR:O what lies below what the container writes. */
export function lowersOfDirectory({ path, overlay }: RootDirectory): string[] {
  return overlay ? [path] : [];
}
