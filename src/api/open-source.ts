import type { ImageName } from "../core/image-name.js";
import type { ImageSource } from "../core/image-source.js";
import type { CredentialLookup } from "../registry/credentials.js";
import type { RepositoryOptions } from "../registry/repository.js";
import type { Context } from "./context.js";

/** The place an image comes from; a compressed archive is inflated to at most `maxBytes`. got is loaded only where a registry is asked. */
export async function openSource(context: Context, name: ImageName, maxBytes?: number): Promise<ImageSource> {
  if (name.kind === "layout" && name.archive) {
    const store = await context.store({ create: true });
    const { openArchiveSource } = await import("../store/archive-pick.js");
    const scratch = { directory: store.paths.ingests, maxBytes, signal: context.signal };
    return openArchiveSource(name.directory, name.tag, scratch);
  }
  if (name.kind === "layout") {
    const { openLayoutSource } = await import("../store/oci-layout.js");
    return openLayoutSource(name.directory, name.tag);
  }
  const { openRepository, createCredentialLookup } = await import("../registry/index.js");
  return openRepository(name.reference, registryOptions(context, createCredentialLookup(context.authFiles)));
}

/** How this context talks to registries. */
export function registryOptions(context: Context, credentials: CredentialLookup): RepositoryOptions {
  const { userAgent, insecure, network, proxyEnv, signal, emit, onExchange, timing } = context;
  return {
    credentials,
    userAgent,
    insecure,
    network,
    proxyEnv,
    signal,
    onWarning: (warning) => emit({ type: "warning", ...warning }),
    onRetry: (notice) => emit({ type: "retry", ...notice }),
    ...(onExchange === undefined ? {} : { onExchange }),
    ...(timing === undefined ? {} : { timing }),
  };
}
