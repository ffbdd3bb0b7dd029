import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import type { Plan } from "../../src/helper/plan.js";
import type { Privilege } from "../../src/helper/privilege.js";
import { readCgroupHost } from "../../src/launch/cgroup-host.js";
import { planCgroups } from "../../src/launch/cgroups.js";
import { containerFiles, type ContainerFile } from "../../src/launch/container-files.js";
import { createContainerId } from "../../src/launch/container-id.js";
import { readHostFacts } from "../../src/launch/host-facts.js";
import type { Spec } from "../../src/launch/oci-spec.js";
import { planChroot } from "../../src/launch/plan-chroot.js";
import { planNamespaces } from "../../src/launch/plan-namespaces.js";
import type { RunOptions } from "../../src/launch/run-options.js";
import { hostnameOf } from "../../src/launch/spec.js";
import { imageConfig, runOptions, spec } from "./samples.js";
import { makeProbeRootfs, type ProbeRootfs } from "./probe.js";

export const helperPath = join(import.meta.dirname, "../../helper/build/pullrun-helper");
export const hasHelper = existsSync(helperPath);

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Launcher {
  readonly probe: ProbeRootfs;
  /** Container directories that are left. */
  leftovers(): string[];
  run(args: readonly string[], wanted?: Wanted): Result;
}

export interface Wanted {
  readonly options?: Partial<RunOptions>;
  readonly user?: string;
  readonly input?: string;
  /** Replaces the command, which is `/probe` with the arguments. */
  readonly command?: readonly string[];
}

/** Real launches of the probe by the real helper: as root, or as uid and gid `id` with that id alone mapped. */
export function makeLauncher(privilege: Privilege, id: number): Launcher {
  const probe = makeProbeRootfs();
  const helper = join(probe.directory, "helper");
  const containers = join(probe.directory, "containers");
  copyFileSync(helperPath, helper);
  chmodSync(helper, 0o755);
  mkdirSync(containers);
  chownSync(containers, id, id);
  const become = id === 0 ? [] : ["setpriv", `--reuid=${id}`, `--regid=${id}`, "--clear-groups"];
  return {
    probe,
    leftovers: () => readdirSync(containers),
    run: (args, wanted = {}) => {
      const plan = planFor({ rootfs: probe.rootfs, containers, owner: id, privilege, args, wanted });
      const planPath = join(probe.directory, "plan");
      writeFileSync(planPath, encodePlan(plan), { mode: 0o644 });
      const rest = [...become.slice(1), ...(become.length === 0 ? [] : [helper]), "run", planPath];
      const { status, stdout, stderr } = spawnSync(become[0] ?? helper, rest, {
        encoding: "utf8",
        input: wanted.input ?? "",
        env: { HOST_SECRET: "1" },
        // An open descriptor of ours, which must not reach the container.
        stdio: ["pipe", "pipe", "pipe", 0],
      });
      return { status, stdout, stderr };
    },
  };
}

interface PlanInput {
  readonly rootfs: string;
  readonly containers: string;
  readonly owner: number;
  readonly privilege: Privilege;
  readonly args: readonly string[];
  readonly wanted: Wanted;
}

function planFor({ rootfs, containers, owner, privilege, args, wanted }: PlanInput): Plan {
  const containerId = createContainerId();
  const containerDir = join(containers, containerId);
  const host = readHostFacts();
  const options = runOptions({ args, ...wanted.options });
  const isolated = options.isolation === "namespaces";
  const image = imageConfig({ entrypoint: wanted.command ?? ["/probe"], user: wanted.user ?? "" });
  const made: Spec = spec({
    image,
    options,
    containerId,
    privilege,
    host,
    ...(isolated ? { containerDir } : {}),
  });
  // The plan is made by root here, whoever is to run it.
  const cgroupHost = owner === 0 ? readCgroupHost() : { ...readCgroupHost(), writable: () => false };
  const cgroups = planCgroups({ resources: made.linux.resources, containerId }, cgroupHost);
  const hostname = hostnameOf({ options, containerId, host });
  const files = containerFiles({ hostname, network: options.network, resolvConf: host.resolvConf });
  const shared = { spec: made, containerId, containerDir, privilege, own: host.own, cgroups };
  const { interactive } = options;
  if (!isolated) return planChroot({ ...shared, files, interactive, rootDir: rootfs });
  writeFiles(containerDir, owner, files);
  return planNamespaces({ ...shared, interactive, lowers: [rootfs] });
}

function writeFiles(directory: string, owner: number, files: readonly ContainerFile[]): void {
  mkdirSync(directory);
  for (const { name, content } of files) writeFileSync(join(directory, name), content);
  for (const path of [directory, ...files.map(({ name }) => join(directory, name))])
    chownSync(path, owner, owner);
}
