import type { TmpfsMount } from "../../launch/options/files.js";

/** Docker's `--tmpfs PATH[:OPTION,OPTION]`. */
export function parseTmpfsFlag(text: string): TmpfsMount {
  const colon = text.indexOf(":");
  if (colon < 0) return { type: "tmpfs", target: text };
  const options = text.slice(colon + 1).split(",");
  return { type: "tmpfs", target: text.slice(0, colon), options: options.filter((option) => option !== "") };
}
