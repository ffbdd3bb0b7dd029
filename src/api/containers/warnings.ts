import { formatPlatform, hostPlatform } from "../../core/platform.js";
import type { RunOptions } from "../../launch/run-options.js";
import type { Context } from "../context.js";
import type { LocalImage } from "../find-image.js";

/** Of what the container will not have, or may not be able to do, though it is made. */
export async function warnOfImpossible(
  context: Context,
  image: LocalImage,
  { groupAdd = [] }: RunOptions,
): Promise<void> {
  const { platform } = image.config.value;
  const host = hostPlatform();
  if (platform.os !== host.os || platform.architecture !== host.architecture)
    warn(context, `the image is for ${formatPlatform(platform)} and this machine is ${formatPlatform(host)}`);
  // The kernel refuses setgroups to who maps ids without privilege.
  if (groupAdd.length > 0 && (await context.privilege()).kind === "single")
    warn(context, "--group-add has no effect: further groups take ranges in /etc/subuid and /etc/subgid");
}

function warn({ emit }: Context, message: string): void {
  emit({ type: "warning", message });
}
