import { createContainerId } from "../launch/container-id.js";
import { readHostFacts } from "../launch/host-facts.js";
import type { Spec } from "../launch/oci-spec.js";
import { unplacedMounts } from "../launch/unplaced-mounts.js";
import { createSpec } from "../launch/spec.js";
import type { Context } from "./context.js";
import { ensureImage } from "./ensure-image.js";
import { privilegedDevices } from "./privileged-devices.js";
import type { BundleRequest } from "./bundle.js";

/** The OCI runtime spec of a container in a bundle whose root file system is in `rootfs`, as `unpack` writes it. */
export async function specOf(context: Context, request: BundleRequest): Promise<Spec> {
  const image = await ensureImage(context, request);
  const privilege = await context.privilege();
  const store = await context.store({ create: true });
  return createSpec({
    image: image.config.value,
    options: request.options,
    containerId: createContainerId(),
    rootPath: "rootfs",
    privilege,
    facts: await store.facts(image.config.value.diffIds),
    host: readHostFacts(),
    devices: await privilegedDevices(request.options, privilege),
    mounts: unplacedMounts(request.options, store.paths.volumes),
  });
}
