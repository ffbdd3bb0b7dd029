import { dropLease, leaseDirectory, readLeases } from "../../launch/network/leases.js";

/** For a container that is not to start after all: its plan would have given the address back. */
export async function releaseAddress(address: string, containerId: string): Promise<void> {
  const leases = await readLeases(leaseDirectory);
  const ours = leases.some((lease) => lease.address === address && lease.containerId === containerId);
  if (ours) await dropLease(leaseDirectory, address);
}
