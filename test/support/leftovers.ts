import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { have, runTool } from "./tools.js";

/**
 * What is left of containers on this machine, one line each: none after a test that cleaned up. Of `root`, a store, its
 * directories, names, mounts, processes and loop devices; of `ids`, which nothing else on the machine has, their cgroups,
 * network interfaces, firewall rules and leases.
 */
export async function leftovers(root: string, ids: readonly string[] = []): Promise<string[]> {
  return [
    ...entries("container", path.join(root, "containers")),
    ...entries("name", path.join(root, "names")).filter((line) => line !== "name .lock"),
    ...mounts(root),
    ...processes(root),
    ...loopDevices(root),
    ...cgroups("/sys/fs/cgroup", ids),
    ...(await network(ids)),
    ...entries("lease", "/run/pullrun/leases").filter((line) => ids.some((id) => line.includes(id))),
  ];
}

function entries(kind: string, directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).map((name) => `${kind} ${name}`) : [];
}

function mounts(root: string): string[] {
  return linesOf("/proc/self/mountinfo")
    .filter((line) => line.includes(root))
    .map((line) => `mount ${line}`);
}

/** Those that were started with a path in it, or see it in their mounts without being ours. */
function processes(root: string): string[] {
  const own = linesOf("/proc/self/mountinfo").join("\n");
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
      const seen = read(`/proc/${pid}/mountinfo`);
      const isIn = command.includes(root) || (seen.trim() !== own.trim() && seen.includes(`${root}/`));
      return isIn ? [`process ${pid} ${command}`] : [];
    });
}

function loopDevices(root: string): string[] {
  if (!existsSync("/sys/block")) return [];
  return readdirSync("/sys/block")
    .filter((name) => read(`/sys/block/${name}/loop/backing_file`).includes(root))
    .map((name) => `loop device ${name}`);
}

function cgroups(directory: string, ids: readonly string[]): string[] {
  if (ids.length === 0 || !existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isDirectory() && ids.some((id) => entry.name.includes(id)))
    .map((entry) => `cgroup ${path.join(entry.parentPath, entry.name)}`);
}

async function network(ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const shown = async (tool: string, args: readonly string[]): Promise<string[]> =>
    have(tool) ? (await runTool(tool, args)).stdout.split("\n") : [];
  const links = await shown("ip", ["-o", "link"]);
  const rules = await shown("nft", ["list", "ruleset"]);
  const isOurs = (line: string): boolean => ids.some((id) => line.includes(id.slice(0, 12)));
  return [
    ...links.filter(isOurs).map((line) => `interface ${line}`),
    ...rules.filter(isOurs).map((line) => `rule ${line.trim()}`),
  ];
}

function linesOf(file: string): string[] {
  return read(file).split("\n");
}

/** "" for what is gone, or not to be read. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
