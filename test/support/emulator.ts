import { findTool } from "./tools.js";

const emulators: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  386: "i386",
  arm: "arm",
  arm64: "aarch64",
  riscv64: "riscv64",
  ppc64le: "ppc64le",
  s390x: "s390x",
};

/** What runs a program for `architecture` here: nothing if this machine does, or its qemu, or undefined. */
export function emulatorFor(architecture: string): readonly string[] | undefined {
  const own = process.arch === "x64" ? "amd64" : process.arch;
  if (architecture === own) return [];
  const qemu = findTool(`qemu-${emulators[architecture] ?? architecture}-static`);
  return qemu === undefined ? undefined : [qemu];
}
