/** How a client of a supervised container is told what the user chose. */
export { encodeDetachKeys } from "../../helper/detach-keys.js";
export type { ClientOptions } from "../../helper/process.js";
