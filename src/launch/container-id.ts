import { closeSync, openSync, readSync } from "node:fs";

/** 64 random hex digits. Never all decimal in its first 12, which as a host name would read as a number. */
export function createContainerId(random: (size: number) => Uint8Array = randomBytes): string {
  for (;;) {
    const id = Buffer.from(random(32)).toString("hex");
    if (!/^[0-9]+$/.test(shortId(id))) return id;
  }
}

/** Straight from the kernel: nothing else of a warm run takes Node's crypto module, which takes 6 ms to load. */
function randomBytes(size: number): Uint8Array {
  const bytes = Buffer.alloc(size);
  const fd = openSync("/dev/urandom", "r");
  try {
    readSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** The first 12 digits: what is shown, and the default host name. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
