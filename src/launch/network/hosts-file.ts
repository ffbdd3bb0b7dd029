/** A line of /etc/hosts. */
export interface HostEntry {
  readonly address: string;
  readonly names: readonly string[];
}

export interface HostsFileInput {
  /** What the lines for this container come after; see {@link localhostLines}. */
  readonly base: string;
  /** The container itself. */
  readonly own: HostEntry;
  /** `--add-host`, and the names of the host. */
  readonly added: readonly HostEntry[];
  /** Other containers on the same bridge. */
  readonly neighbours: readonly HostEntry[];
}

/** What docker's libnetwork writes before a container's own name. */
export const localhostLines = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
  "",
].join("\n");

/** Everything after it is ours to write again when containers come; what a container adds goes before it. */
const neighbourMark = "# containers on this bridge, kept up to date by pullrun\n";

export function hostsFile({ base, own, added, neighbours }: HostsFileInput): string {
  const lines = [...added, own].map(line).join("");
  return withNeighbours(`${base}${base.endsWith("\n") || base === "" ? "" : "\n"}${lines}`, neighbours);
}

/** The same file with other neighbours. */
export function withNeighbours(content: string, neighbours: readonly HostEntry[]): string {
  const mark = content.indexOf(neighbourMark);
  const kept = mark < 0 ? content : content.slice(0, mark);
  return neighbours.length === 0 ? kept : `${kept}${neighbourMark}${neighbours.map(line).join("")}`;
}

function line({ address, names }: HostEntry): string {
  return `${address}\t${names.join(" ")}\n`;
}
