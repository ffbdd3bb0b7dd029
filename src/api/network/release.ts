import { dropLease, leaseDirectory, readLease } from "../../launch/network/leases.js";

/**
 * For a container that is not to start after all, or is removed: its plan would have given the address back. One of
 * pasta or slirp4netns has no lease, and an ordinary user may not even look for one.
 */
export async function releaseAddress(address: string, containerId: string): Promise<void> {
  const lease = await readLease(leaseDirectory, address);
  if (lease?.containerId === containerId) await dropLease(leaseDirectory, address);
}
