import { hostPlatform, formatPlatform } from "../../core/platform.js";
import type { Invocation } from "../command.js";
import { formatJson } from "../render/json.js";
import { version } from "../version.js";

export function run({ flags, print }: Invocation): Promise<number> {
  const versions = {
    pullrun: version,
    node: process.versions.node,
    platform: formatPlatform(hostPlatform()),
  };
  if (flags.on("json")) print(formatJson(versions));
  else
    print(
      Object.entries(versions)
        .map(([name, value]) => `${name} ${value}\n`)
        .join(""),
    );
  return Promise.resolve(0);
}
