import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { podman } from "../support/podman.js";

/** Who answers to `pullrun` in a script: what its outcomes are called by, and what it is found with. */
export interface Engine {
  readonly label: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Before the name of a case, in the outcome of its script with podman. */
export const podmanLabel = "podman: ";

/** No network unless the script says so, as for us; limits that are raised without CAP_SYS_RESOURCE are errors. */
const podmanConfig = `[containers]
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
`;

/** A command `pullrun` in front of all others that is podman, with storage below `storage`. */
export function podmanEngine(env: Engine["env"], storage: string): Engine {
  const directory = path.join(storage, "bin");
  const config = path.join(storage, "containers.conf");
  mkdirSync(directory, { recursive: true });
  writeFileSync(config, podmanConfig);
  writeFileSync(
    path.join(directory, "pullrun"),
    `#!/bin/sh\nexec ${podman(storage).join(" ")} --log-level=fatal "$@"\n`,
  );
  chmodSync(path.join(directory, "pullrun"), 0o755);
  const PATH = `${directory}:${env["PATH"] ?? ""}`;
  return { label: podmanLabel, env: { ...env, PATH, CONTAINERS_CONF: config } };
}
