import { randomBytes } from "../helper/random.js";

/** 64 random hex digits. Never all decimal in its first 12, which as a host name would read as a number. */
export function createContainerId(random: (size: number) => Uint8Array = randomBytes): string {
  for (;;) {
    const id = Buffer.from(random(32)).toString("hex");
    if (!/^[0-9]+$/.test(shortId(id))) return id;
  }
}

/** The first 12 digits: what is shown, and the default host name. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
