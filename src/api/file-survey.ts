import type { DirNode } from "../store/tree.js";
import { fileCapabilities } from "./file-capabilities.js";
import { createLinkTracker, nodeInfo, walkTree, type FileInfo } from "./file-info.js";

/** What the files of an image's final tree are, and which of them somebody who trusts the image should know. */
export interface FileSurvey {
  /** Names by kind; a hard link is a further name of a file. */
  readonly counts: Readonly<Record<string, number>>;
  /** Biggest first, as many as were asked for; a file with several names once. */
  readonly largest: readonly FileInfo[];
  /** Files that start with more rights than who executes them: setuid, setgid or capabilities. By path. */
  readonly privileged: readonly PrivilegedFile[];
  /** Files anybody may write, and directories where anybody may replace another's files (no sticky bit). By path. */
  readonly worldWritable: readonly FileInfo[];
}

export interface PrivilegedFile {
  readonly info: FileInfo;
  readonly setuid: boolean;
  readonly setgid: boolean;
  /** As getcap(8) spells them; empty for none. */
  readonly capabilities: string;
}

export function surveyFiles(tree: DirNode, { largest }: { readonly largest: number }): FileSurvey {
  const counts: Record<string, number> = {};
  const files: FileInfo[] = [];
  const privileged: PrivilegedFile[] = [];
  const worldWritable: FileInfo[] = [];
  const earlierName = createLinkTracker();
  for (const [path, node] of walkTree("/", tree)) {
    const info = nodeInfo(path, node, earlierName(path, node));
    counts[info.type] = (counts[info.type] ?? 0) + 1;
    if (info.type === "file") files.push(info);
    const rights = privilegesOf(info);
    if (rights !== undefined) privileged.push(rights);
    if (isWorldWritable(info)) worldWritable.push(info);
  }
  const sorted = files.sort((a, b) => b.size - a.size).slice(0, largest);
  return { counts, largest: sorted, privileged, worldWritable };
}

const setuidBit = 0o4000;
const setgidBit = 0o2000;
const stickyBit = 0o1000;
const othersWrite = 0o002;

function privilegesOf(info: FileInfo): PrivilegedFile | undefined {
  const { attributes, type } = info;
  if (attributes === undefined || (type !== "file" && type !== "hardlink")) return undefined;
  const setuid = (attributes.mode & setuidBit) !== 0;
  const setgid = (attributes.mode & setgidBit) !== 0;
  const capabilities = fileCapabilities(attributes) ?? "";
  return setuid || setgid || capabilities !== "" ? { info, setuid, setgid, capabilities } : undefined;
}

function isWorldWritable({ attributes, type }: FileInfo): boolean {
  if (attributes === undefined || (attributes.mode & othersWrite) === 0) return false;
  if (type === "directory") return (attributes.mode & stickyBit) === 0;
  return type === "file" || type === "hardlink";
}
