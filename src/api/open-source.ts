import type { PullEvent } from "../core/events.js";
import type { ImageName } from "../core/image-name.js";
import type { ImageSource } from "../core/image-source.js";
import type { Context } from "./context.js";

/** The place an image comes from. got is loaded only where a registry is asked. */
export async function openSource(context: Context, name: ImageName): Promise<ImageSource> {
  if (name.kind === "layout") {
    const { openLayoutSource } = await import("../store/oci-layout.js");
    return openLayoutSource(name.directory, name.tag);
  }
  const { openRepository, createCredentialLookup } = await import("../registry/index.js");
  return openRepository(name.reference, {
    credentials: createCredentialLookup(context.authFiles),
    userAgent: context.userAgent,
    insecure: context.insecure,
    proxyEnv: context.proxyEnv,
    signal: context.signal,
    onRetry: (notice) => context.emit({ type: "retry", ...notice } satisfies PullEvent),
  });
}
