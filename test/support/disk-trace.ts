/** What a run of ours had written and not yet synced, from strace's record of it (`-f -y`). */

/** The calls to record. */
export const diskCalls =
  "write,pwrite64,writev,copy_file_range,sendfile,ftruncate,fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat";

export interface Naming {
  readonly from: string;
  readonly to: string;
  /** Files of the renamed file or directory that a power cut would have left empty. */
  readonly dirty: readonly string[];
  /** Directories with new names that a power cut could have taken back. */
  readonly pending: readonly string[];
}

export interface DiskTrace {
  /** In the order they were made. */
  readonly namings: readonly Naming[];
  /** Files written and not synced at the end. */
  readonly dirty: ReadonlySet<string>;
  /** Directories with new names and not synced at the end. */
  readonly pending: ReadonlySet<string>;
}

/** Reads what happened to files below `root`. */
export function readDiskTrace(text: string, root: string): DiskTrace {
  const dirty = new Set<string>();
  const pending = new Set<string>();
  const namings: Naming[] = [];
  const sync = (what: string): void => {
    dirty.delete(what);
    pending.delete(what);
  };
  for (const { call, line } of completed(text)) {
    const paths = [...line.matchAll(/\d+<([^<>]*)>/g)].map((match) => match[1] ?? "");
    if (call === "syncfs") [...dirty, ...pending].forEach(sync);
    else if (call === "fsync" || call === "fdatasync") sync(paths[0] ?? "");
    else if (/^(rename|link)/.test(call)) {
      const [from = "", to = ""] = [...line.matchAll(/"([^"]*)"/g)].map((match) => match[1]);
      if (!to.startsWith(root) || !/= 0$/.test(line)) continue;
      const inside = [...dirty].filter((file) => file === from || file.startsWith(`${from}/`));
      namings.push({ from, to, dirty: inside, pending: [...pending] });
      for (const file of inside) dirty.add(to + file.slice(from.length));
      pending.add(to.slice(0, to.lastIndexOf("/")));
    } else {
      const target = call === "copy_file_range" ? paths[1] : paths[0];
      if (target?.startsWith(`${root}/`) === true) dirty.add(target);
    }
  }
  return { namings, dirty, pending };
}

/** Calls in the order they returned, each on one line; one that a kill cut off counts as made. */
function* completed(text: string): Generator<{ readonly call: string; readonly line: string }> {
  const begun = new Map<string, string>();
  for (const raw of text.split("\n")) {
    const [, thread = "", said = ""] = /^(\d+) +(.*)$/.exec(raw) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(said);
    const line = resumed === null ? said : (begun.get(thread) ?? "") + (resumed[1] ?? "");
    if (resumed !== null) begun.delete(thread);
    if (line.endsWith("<unfinished ...>")) {
      begun.set(thread, line.replace(/ *<unfinished \.\.\.>$/, ""));
      continue;
    }
    const call = /^(\w+)\(/.exec(line)?.[1];
    if (call !== undefined) yield { call, line };
  }
  for (const line of begun.values()) {
    const call = /^(write|pwrite64|writev|copy_file_range)\(/.exec(line)?.[1];
    if (call !== undefined) yield { call, line };
  }
}
