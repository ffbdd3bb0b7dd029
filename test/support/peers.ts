/** Debian's container tools, as other ends for our own: what end-to-end tests need of them. */
export { startDockerRegistry, type DockerRegistry, type DockerRegistryOptions } from "./docker-registry.js";
export { alpineImage, readLayout, sharedLayout, type LocalImage } from "./layouts.js";
export { seedStorage } from "./registry-storage.js";
export { skopeoCopy, type SkopeoOptions } from "./skopeo.js";
export { startTokenIssuer, type IssuerOptions, type TokenIssuer } from "./token-issuer.js";
export { isRoot, missing, mustRun, runTool } from "./tools.js";
