import type { Privilege } from "../helper/privilege.js";
import type { DeviceNode } from "../launch/oci-spec.js";
import type { RunOptions } from "../launch/run-options.js";

/** This machine's device nodes for `--privileged`, if it is root's: in a user namespace none of them would open. */
export async function privilegedDevices(
  { privileged, isolation }: RunOptions,
  privilege: Privilege,
): Promise<readonly DeviceNode[] | undefined> {
  if (privileged !== true || privilege.kind !== "root" || isolation === "chroot") return undefined;
  return (await import("../launch/host-devices.js")).hostDevices();
}
