/** What the api layer uses of this folder; importing it loads got. */
export { openRepository } from "./repository.js";
export { createCredentialLookup } from "./credentials.js";
