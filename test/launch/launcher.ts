import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Lower } from "../../src/helper/lower.js";
import { openHelper } from "../../src/helper/process.js";
import { probeNamespaces } from "../../src/helper/probe.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import type { Plan } from "../../src/helper/plan.js";
import type { Privilege } from "../../src/helper/privilege.js";
import { readCgroupHost, type CgroupHost } from "../../src/launch/cgroup-host.js";
import { planCgroups } from "../../src/launch/cgroups.js";
import { containerFiles, type ContainerFile } from "../../src/launch/container-files.js";
import { createContainerId } from "../../src/launch/container-id.js";
import { deviceSteps } from "../../src/launch/device-filter.js";
import { needsDeviceCgroup, opensNodes } from "../../src/launch/device-rules.js";
import { readHostFacts } from "../../src/launch/host-facts.js";
import type { Spec } from "../../src/launch/oci-spec.js";
import { planChroot } from "../../src/launch/plan-chroot.js";
import { planNamespaces } from "../../src/launch/plan-namespaces.js";
import type { RunOptions } from "../../src/launch/run-options.js";
import { compileSeccomp } from "../../src/launch/seccomp-compile.js";
import { hostnameOf } from "../../src/launch/spec.js";
import { imageConfig, runOptions, spec } from "./samples.js";
import { hasCompiler, isRoot, makeProbeRootfs, type ProbeRootfs } from "./probe.js";

export const helperPath = join(import.meta.dirname, "../../helper/build/pullrun-helper");
export const canChroot = isRoot && hasCompiler && existsSync(helperPath);

/** Whether root may make namespaces here: not in an ordinary container. */
export const canIsolate =
  isRoot &&
  existsSync(helperPath) &&
  (await probeNamespaces(openHelper(helperPath), { kind: "root" })) === undefined;

/** The same for a user without any privilege. */
export function canIsolateAs(id: number): boolean {
  const unshare = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "true",
  ];
  return canIsolate && spawnSync("setpriv", [...become(id), ...unshare]).status === 0;
}

function become(id: number): string[] {
  return [`--reuid=${id}`, `--regid=${id}`, "--clear-groups"];
}

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Launcher {
  readonly probe: ProbeRootfs;
  /** Container directories that are left. */
  leftovers(): string[];
  /** Of all containers run so far. */
  ids(): readonly string[];
  run(args: readonly string[], wanted?: Wanted): Result;
}

export interface Wanted {
  readonly options?: Partial<RunOptions>;
  readonly user?: string;
  readonly input?: string;
  /** Replaces the command, which is `/probe` with the arguments. */
  readonly command?: readonly string[];
  /** Only plan with the v2 hierarchy, as on a host that has no other. */
  readonly onlyV2?: boolean;
}

/**
 * Real launches of the probe by the real helper: as root, or as uid and gid `id` with that id alone mapped. Its root
 * file system is a directory, or what `lowerOf` makes of that one.
 */
export function makeLauncher(
  privilege: Privilege,
  id: number,
  lowerOf = (probe: ProbeRootfs): Lower => probe.rootfs,
): Launcher {
  const probe = makeProbeRootfs();
  const lower = lowerOf(probe);
  const helper = join(probe.directory, "helper");
  const containers = join(probe.directory, "containers");
  copyFileSync(helperPath, helper);
  chmodSync(helper, 0o755);
  mkdirSync(containers);
  chownSync(containers, id, id);
  const ids: string[] = [];
  return {
    probe,
    leftovers: () => readdirSync(containers),
    ids: () => ids,
    run: (args, wanted = {}) => {
      const containerId = createContainerId();
      ids.push(containerId);
      const plan = planFor({
        containerId,
        rootfs: probe.rootfs,
        lower,
        containers,
        owner: id,
        privilege,
        args,
        wanted,
      });
      const planPath = join(probe.directory, "plan");
      writeFileSync(planPath, encodePlan(plan), { mode: 0o644 });
      const asUser = id === 0 ? [] : ["setpriv", ...become(id)];
      const hostDirectory = openSync(probe.directory, "r");
      const { status, stdout, stderr } = spawnSync("env", [...asUser, helper, "run", planPath], {
        encoding: "utf8",
        input: wanted.input ?? "",
        env: { HOST_SECRET: "1" },
        // A descriptor of ours, which must not reach the container, nor lead it to what it is of.
        stdio: ["pipe", "pipe", "pipe", hostDirectory],
      });
      closeSync(hostDirectory);
      return { status, stdout, stderr };
    },
  };
}

interface PlanInput {
  readonly containerId: string;
  readonly rootfs: string;
  readonly lower: Lower;
  readonly containers: string;
  readonly owner: number;
  readonly privilege: Privilege;
  readonly args: readonly string[];
  readonly wanted: Wanted;
}

function planFor(input: PlanInput): Plan {
  const { containerId, rootfs, lower, containers, owner, privilege, args, wanted } = input;
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
  const { resources } = made.linux;
  const cgroups = planCgroups(
    {
      resources,
      containerId,
      ...(needsDeviceCgroup(options, []) ? { deviceSteps: deviceSteps(resources.devices) } : {}),
    },
    cgroupHostFor(owner, wanted),
  );
  const hostname = hostnameOf({ options, containerId, host });
  const files = containerFiles({ hostname, network: options.network, resolvConf: host.resolvConf });
  const remove = [containerDir];
  const seccomp = made.linux.seccomp && compileSeccomp(made.linux.seccomp);
  const shared = {
    spec: made,
    seccomp,
    containerId,
    containerDir,
    remove,
    privilege,
    own: host.own,
    cgroups,
  };
  const { interactive } = options;
  writeFiles(containerDir, owner, isolated ? files : []);
  if (!isolated) return planChroot({ ...shared, files, interactive, rootDir: rootfs });
  return planNamespaces({
    ...shared,
    interactive,
    init: options.init ?? false,
    anyDevice: opensNodes(options),
    lowers: [lower],
  });
}

function cgroupHostFor(owner: number, { onlyV2 }: Wanted): CgroupHost {
  const host = readCgroupHost();
  const hierarchies = host.hierarchies.filter(({ version }) => version === 2 || onlyV2 !== true);
  // The plan is made by root here, whoever is to run it.
  return { ...host, hierarchies, ...(owner === 0 ? {} : { writable: () => false }) };
}

function writeFiles(directory: string, owner: number, files: readonly ContainerFile[]): void {
  mkdirSync(directory);
  for (const { name, content } of files) writeFileSync(join(directory, name), content);
  for (const path of [directory, ...files.map(({ name }) => join(directory, name))])
    chownSync(path, owner, owner);
}
