import { RegistryError } from "../core/errors.js";
import type { Manifest } from "../core/manifest.js";
import { isImageConfig, isTarLayer, isEmptyConfig } from "../core/media-types.js";
import { printable } from "../core/text.js";

/**
 * What a manifest is instead of a container image: a chart, a model, a signature, or an image whose layers are encrypted.
 * It can be pulled and kept, but not unpacked or run. Undefined for a container image. RegistryError UNSUPPORTED_MEDIA
 */
export function otherContent(what: string, manifest: Manifest): RegistryError | undefined {
  const name = printable(what);
  if (!isImageConfig(manifest.config.mediaType)) {
    return unsupported(`${name}: not a container image (type ${typeOf(manifest)})`, {
      hint: "it is an artifact of another tool, such as a chart or a signature: `pullrun pull` keeps it, `pullrun manifest` shows it",
    });
  }
  const odd = manifest.layers.find((layer) => !isTarLayer(layer.mediaType));
  if (odd === undefined) return undefined;
  const type = printable(odd.mediaType, 100);
  if (odd.mediaType.includes("+encrypted")) {
    return unsupported(
      `${name}: not a container image that can be unpacked: layer type ${type}: the layer is encrypted`,
      {
        hint: "pullrun has no keys: decrypt the image first, for example with skopeo copy --decryption-key",
      },
    );
  }
  return unsupported(`${name}: not a container image (layer type ${type}, which is not a tar)`, {
    hint: "a container image's layers are tar archives, plain or compressed with gzip or zstd",
  });
}

/** image-spec manifest.md, "Guidelines for Artifact Usage": `artifactType`, else the config's type says what it is. */
function typeOf({ artifactType, config }: Manifest): string {
  const type = isEmptyConfig(config.mediaType) ? artifactType : undefined;
  return printable(type ?? config.mediaType, 100);
}

function unsupported(message: string, info: { readonly hint: string }): RegistryError {
  return new RegistryError("UNSUPPORTED_MEDIA", message, info);
}
