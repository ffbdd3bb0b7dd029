import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../core/errors.js";
import { parseIPv4 } from "../../launch/network/addresses.js";
import { withNeighbours, type HostEntry } from "../../launch/network/hosts-file.js";
import { leaseDirectory, readLeases, type Lease } from "../../launch/network/leases.js";

/** A container may write its /etc/hosts too, and is not to have us read for ever. Bytes. */
const maxHostsFile = 1 << 20;

/** The names others are called by on the bridge, in the order of their addresses. */
export function neighboursOf(leases: readonly Lease[], address: string): HostEntry[] {
  return leases
    .filter((lease) => lease.address !== address)
    .sort((one, other) => parseIPv4(one.address) - parseIPv4(other.address))
    .map(({ address: at, names }) => ({ address: at, names }));
}

/**
 * Writes the names of all to the /etc/hosts of each but ourselves, as often as somebody comes while we do: whoever comes
 * last sees all, so no lock is needed. Returns all.
 */
export async function announce(leases: readonly Lease[], self: Lease): Promise<readonly Lease[]> {
  for (let known = leases; ;) {
    for (const lease of known)
      if (lease.address !== self.address)
        await rewriteHosts(lease.directory, neighboursOf(known, lease.address));
    const now = await readLeases(leaseDirectory);
    if (now.every(({ containerId }) => known.some((lease) => lease.containerId === containerId)))
      return known;
    known = now;
  }
}

/** In place: what is mounted in the container is this very file. */
async function rewriteHosts(directory: string, neighbours: readonly HostEntry[]): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path.join(directory, "hosts"), "r+");
  } catch (error) {
    // Ended and removed meanwhile.
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  await using handle = file;
  if ((await handle.stat()).size > maxHostsFile) return;
  const before = await handle.readFile("utf8");
  const after = withNeighbours(before, neighbours);
  if (after === before) return;
  const bytes = Buffer.from(after);
  await handle.write(bytes, 0, bytes.length, 0);
  await handle.truncate(bytes.length);
}
