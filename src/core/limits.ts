/** Upper bounds for everything untrusted. The peers' figures are in the comments. */

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

export const limits = {
  /** container-libs and containerd: 4 MiB; the distribution spec asks for at least 4 MB. */
  manifestBytes: 4 * MiB,
  configBytes: 4 * MiB,
  tokenBytes: 1 * MiB,
  /** As much of an error body as is worth reading for its message. */
  errorBodyBytes: 64 * 1024,
  /** JSON deeper than this is hostile: image configs have 4 levels. */
  jsonDepth: 64,
  indexEntries: 1000,
  indexDepth: 4,
  /** Docker stops at 125, overlay at 500. */
  layers: 500,
  redirects: 10,
  /** Fewer bytes than this in so many milliseconds of waiting are no download: 1 KiB/s over a minute. */
  slowestDownload: { bytes: 60 * 1024, windowMs: 60_000 },
  /** Compressed layer; also the cap on a declared descriptor size. */
  blobBytes: 512 * GiB,
  /** Uncompressed tar of one layer. */
  layerTarBytes: 1024 * GiB,
  layerEntries: 10_000_000,
  /** Linux PATH_MAX and NAME_MAX. */
  pathBytes: 4096,
  nameBytes: 255,
  paxBytes: 1 * MiB,
  directoryDepth: 1000,
  /** zstd frames asking for more memory than this are refused. */
  zstdWindowLog: 27,
  passwdBytes: 1 * MiB,
} as const;

export const timeouts = {
  /** Milliseconds, each for one request. */
  lookup: 10_000,
  connect: 15_000,
  secureConnect: 15_000,
  response: 30_000,
  /** No byte for this long: the connection is dead. Three in a row, with the pauses between, end a download within 30 s. */
  stall: 8_000,
} as const;
