/** The default seccomp profile compiled for each architecture, where src/api/seccomp.ts looks: `seccomp.js DIRECTORY`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dockerCapabilities } from "../src/launch/capabilities.js";
import { compileSeccomp } from "../src/launch/seccomp-compile.js";
import { defaultProfile } from "../src/launch/seccomp-default.js";
import { resolveSeccomp } from "../src/launch/seccomp-resolve.js";

for (const arch of ["x64", "arm64"]) {
  const seccomp = resolveSeccomp(defaultProfile, dockerCapabilities, { arch, kernel: "5.12" });
  if (seccomp === undefined) throw new Error(`no profile for ${arch}`);
  const text = Buffer.from(`${JSON.stringify(seccomp)}\n`);
  const { program } = compileSeccomp(seccomp);
  writeFileSync(join(process.argv[2] ?? "", `seccomp-${arch}`), Buffer.concat([text, program]));
}
