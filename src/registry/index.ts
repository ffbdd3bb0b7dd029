/** What the api layer uses of this folder; importing it loads got. */
export { openRepository } from "./repository.js";
export { createCredentialLookup } from "./credentials.js";
export type { NetworkFiles } from "./endpoints.js";
export { checkLogin } from "./login.js";
export { eraseLogin, storeLogin } from "./login-store.js";
export { listTags } from "./tags.js";
