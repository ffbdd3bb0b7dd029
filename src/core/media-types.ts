/** Media types of the OCI image-spec (media-types.md) and their docker ancestors. */

export const ociIndex = "application/vnd.oci.image.index.v1+json";
export const ociManifest = "application/vnd.oci.image.manifest.v1+json";
export const ociConfig = "application/vnd.oci.image.config.v1+json";
export const ociLayer = "application/vnd.oci.image.layer.v1.tar";
export const ociLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
export const ociLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
export const dockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
export const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
export const dockerConfig = "application/vnd.docker.container.image.v1+json";

/** What we ask a registry for, most specific first. */
export const manifestAccept: readonly string[] = [ociIndex, ociManifest, dockerList, dockerManifest];

export function isIndex(mediaType: string): boolean {
  return mediaType === ociIndex || mediaType === dockerList;
}

export function isManifest(mediaType: string): boolean {
  return mediaType === ociManifest || mediaType === dockerManifest;
}

/** image-spec manifest.md: the config of an artifact that has none. */
export function isEmptyConfig(mediaType: string): boolean {
  return mediaType === "application/vnd.oci.empty.v1+json";
}

export function isImageConfig(mediaType: string): boolean {
  return mediaType === ociConfig || mediaType === dockerConfig;
}

/** Docker schema 1, which nobody should pull any more: unsigned digests, no config blob. */
export function isSchema1(mediaType: string): boolean {
  return mediaType.startsWith("application/vnd.docker.distribution.manifest.v1+");
}

/** True for tar layers under any compression; false for encrypted layers and artifact content. */
export function isTarLayer(mediaType: string): boolean {
  return /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+gzip|\+zstd)?|docker\.image\.rootfs\.(diff|foreign\.diff)\.tar(\.gzip|\.zstd)?)$/.test(
    mediaType,
  );
}
