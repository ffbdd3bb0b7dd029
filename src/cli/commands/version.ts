import { hostPlatform, formatPlatform } from "../../core/platform.js";
import type { Invocation } from "../command.js";
import { version } from "../version.js";

export function run({ flags, print }: Invocation): Promise<number> {
  const versions = {
    pullrun: version,
    node: process.versions.node,
    platform: formatPlatform(hostPlatform()),
  };
  if (flags.on("json")) print(`${JSON.stringify(versions, null, 2)}\n`);
  else
    print(
      Object.entries(versions)
        .map(([name, value]) => `${name} ${value}\n`)
        .join(""),
    );
  return Promise.resolve(0);
}
