/** The public library: use cases that return data and emit events; nothing here prints or reads the environment. */
export { createContext, type Context, type ContextOptions } from "./api/context.js";
export { pull, type PulledImage, type PullRequest } from "./api/pull.js";
export { prepareRun, becomeContainer, type PreparedRun, type RunRequest } from "./api/run.js";
export { listImages, type ImageSummary } from "./api/images.js";
export { inspectImage, type ImageDetails } from "./api/inspect.js";
export { removeImage } from "./api/rmi.js";
export { specOf } from "./api/spec.js";
export { unpackImage } from "./api/unpack.js";
export { serveImages, type RunningServer, type ServeOptions } from "./api/serve.js";
export { parseReference, formatReference, type Reference } from "./core/reference.js";
export { parseDigest, type Digest, type DiffId } from "./core/digest.js";
export { parsePlatform, formatPlatform, type Platform } from "./core/platform.js";
export * from "./core/errors.js";
export type { PullEvent, Emit, LayerState } from "./core/events.js";
