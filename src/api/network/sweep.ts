import { readFile, stat } from "node:fs/promises";
import type { BridgeTools } from "../../launch/network/bridge.js";
import { dropPorts } from "../../launch/network/firewall.js";
import { dropLease, leaseDirectory, readLeases, type Lease } from "../../launch/network/leases.js";
import { isLocked } from "../../store/lock.js";
import { lockFile } from "../containers/directory.js";
import { bootId, startTime } from "../containers/process.js";
import type { Context } from "../context.js";

/**
 * The addresses in use. On the way, what a killed supervisor or a reboot left is taken away: its address and its
 * published ports. Its veth went with the network namespace, which nobody but its container held.
 */
export async function sweepLeases(context: Context, tools: BridgeTools): Promise<Lease[]> {
  const leases = await readLeases(leaseDirectory);
  const locked = leases.length === 0 ? new Set<string>() : await lockedInodes();
  const living: Lease[] = [];
  for (const lease of leases) {
    if (await isLiving(context, lease, locked)) living.push(lease);
    else await forget(context, tools, lease);
  }
  return living;
}

async function isLiving(context: Context, lease: Lease, locked: ReadonlySet<string>): Promise<boolean> {
  if (lease.boot !== (await bootId())) return false;
  const file = lockFile(lease.directory);
  const inode = await stat(file, { bigint: true }).then(
    ({ ino }) => String(ino),
    () => undefined,
  );
  if (await isRunning(lease.owner)) return (await exists(lease.directory)) || inode !== undefined;
  // A file of this number is locked, here or on another disk: reason enough to leave it, and none needs a process to ask.
  if (inode === undefined || locked.has(inode)) return inode !== undefined;
  return isLocked(await context.helper(), file);
}

async function exists(directory: string): Promise<boolean> {
  return stat(directory).then(
    () => true,
    () => false,
  );
}

async function isRunning({ pid, start }: Lease["owner"]): Promise<boolean> {
  return (await startTime(pid)) === start;
}

/** Of files somebody holds a flock on: proc_locks(5). */
async function lockedInodes(): Promise<Set<string>> {
  const text = await readFile("/proc/locks", "utf8").catch(() => "");
  return new Set([...text.matchAll(/ FLOCK .* [0-9a-f]+:[0-9a-f]+:(\d+) /g)].map((match) => match[1] ?? ""));
}

async function forget(context: Context, { nft }: BridgeTools, lease: Lease): Promise<void> {
  if (lease.ports.length > 0) {
    const argv = [nft, "-f", "-"];
    // They may be gone already, with the whole table.
    const step = { kind: "program", input: dropPorts(lease), otherwise: "", argv, optional: true } as const;
    await (await context.helper()).run([step], {});
  }
  await dropLease(leaseDirectory, lease.address);
}
