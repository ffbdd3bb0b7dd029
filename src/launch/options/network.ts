import { printable } from "../../core/text.js";
import { badValue } from "./bad-value.js";

/** What the container is called, and whom it can reach. */
export interface NetworkOptions {
  readonly hostname?: string;
  readonly network: NetworkMode;
}

export type NetworkMode = "none" | "host";

/** Linux HOST_NAME_MAX. */
const hostnamePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,63})$/;

export function checkNetworkOptions({ hostname }: NetworkOptions): void {
  if (hostname !== undefined && !hostnamePattern.test(hostname)) {
    throw badValue("--hostname", printable(hostname, 80), "letters, digits, dots and dashes, at most 64");
  }
}
