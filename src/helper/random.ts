import { closeSync, openSync, readSync } from "node:fs";

/**
 * Straight from the kernel: Node's crypto module takes 6 ms to load, and a container's start needs nothing else of it
 * (docs/adr/0011).
 */
export function randomBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const fd = openSync("/dev/urandom", "r");
  try {
    readSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
  return bytes;
}
