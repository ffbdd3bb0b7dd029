import { link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf, LaunchError, UsageError } from "../../core/errors.js";
import { contains, formatIPv4, formatSubnet, parseIPv4, sizeOf, type Subnet } from "./addresses.js";
import type { Endpoint } from "./bridge.js";

/**
 * Not in the store: every store of the machine shares the one bridge. Gone with a reboot where /run is a tmpfs, and by
 * its boot id where it is not.
 */
export const leaseDirectory = "/run/pullrun/leases";

/** An address of the bridge in use: a file of that name. */
export interface Lease extends Endpoint {
  readonly containerId: string;
  /** The container's, with its lock; absolute. */
  readonly directory: string;
  /** What other containers may call it. */
  readonly names: readonly string[];
  readonly boot: string;
  /** Who took it. It becomes the supervisor, or waits until that has the container's lock. */
  readonly owner: { readonly pid: number; readonly start: string };
}

export interface LeaseRequest {
  readonly subnet: Subnet;
  /** Only this address will do. */
  readonly wanted: string | undefined;
  /** Addresses that are taken already. */
  readonly taken: ReadonlySet<string>;
  readonly make: (address: string) => Lease;
}

/** All there are; what is not whole is nobody's. */
export async function readLeases(directory: string): Promise<Lease[]> {
  const names = await readdir(directory).catch(ignoreAbsent);
  const found = await Promise.all((names ?? []).map((name) => readLeaseFile(path.join(directory, name))));
  return found.filter((lease) => lease !== undefined);
}

/** Undefined where it is nobody's, or root's, whose leases we may not see. */
export async function readLease(directory: string, address: string): Promise<Lease | undefined> {
  return readLeaseFile(leaseFile(directory, address));
}

async function readLeaseFile(file: string): Promise<Lease | undefined> {
  const text = await readFile(file, "utf8").catch(ignoreUnreadable);
  if (text === undefined) return undefined;
  try {
    const lease = JSON.parse(text) as Lease;
    return lease.address === path.basename(file) ? lease : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes the first free address. Needs no lock: making a file of a name is atomic, and whoever comes second takes the
 * next. @throws UsageError BAD_VALUE, LaunchError NO_NETWORK
 */
export async function takeLease(directory: string, request: LeaseRequest): Promise<Lease> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { subnet, wanted, taken } = request;
  if (wanted !== undefined) {
    requireUsable(subnet, wanted);
    const lease = await tryLease(directory, request.make(wanted));
    if (lease !== undefined) return lease;
    throw new UsageError("BAD_VALUE", `--ip: ${wanted}: another container has it`);
  }
  for (let offset = 2; offset < sizeOf(subnet) - 1; offset++) {
    const address = formatIPv4(subnet.base + offset);
    if (taken.has(address)) continue;
    const lease = await tryLease(directory, request.make(address));
    if (lease !== undefined) return lease;
  }
  throw new LaunchError("NO_NETWORK", `network: ${formatSubnet(subnet)}: no address is free`);
}

export async function dropLease(directory: string, address: string): Promise<void> {
  await rm(leaseFile(directory, address), { force: true });
}

export function leaseFile(directory: string, address: string): string {
  return path.join(directory, address);
}

/** Whole from the moment it is there. Undefined if the address is taken. */
async function tryLease(directory: string, lease: Lease): Promise<Lease | undefined> {
  const temporary = path.join(directory, `.${lease.containerId}`);
  await writeFile(temporary, JSON.stringify(lease), { mode: 0o600 });
  try {
    await link(temporary, leaseFile(directory, lease.address));
    return lease;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return undefined;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function requireUsable(subnet: Subnet, address: string): void {
  const number = parseIPv4(address);
  const usable =
    contains(subnet, number) && number > subnet.base + 1 && number < subnet.base + sizeOf(subnet) - 1;
  if (usable) return;
  throw new UsageError(
    "BAD_VALUE",
    `--ip: ${address}: not for a container (expected one of ${formatSubnet(subnet)})`,
  );
}

function ignoreAbsent(error: unknown): undefined {
  if (errnoOf(error) === "ENOENT") return undefined;
  throw error;
}

function ignoreUnreadable(error: unknown): undefined {
  if (errnoOf(error) !== "EACCES") ignoreAbsent(error);
  return undefined;
}
