import { writeFileSync } from "node:fs";
import path from "node:path";
import { ordinaryUid } from "./users.js";

/**
 * Shell commands that give the ordinary user a name and so many subordinate ids, from 200000 on; for a mount namespace of
 * one's own. The files are written to `directory`, which that user has to be able to enter.
 */
export function visitorMounts(directory: string, count: number): string[] {
  const files = {
    passwd: `root:x:0:0::/:/bin/sh\nvisitor:x:${ordinaryUid}:${ordinaryUid}::/:/bin/sh\n`,
    subuid: `visitor:200000:${count}\n`,
    subgid: `visitor:200000:${count}\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  return Object.keys(files).map((name) => `mount --bind ${directory}/${name} /etc/${name}`);
}
