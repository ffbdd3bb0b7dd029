import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { errnoOf } from "../../src/core/errors.js";
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
  if (ids.length === 0) return [];
  return directoriesIn(directory).flatMap((name) => {
    const below = path.join(directory, name);
    const ours = ids.some((id) => name.includes(id)) ? [`cgroup ${below}`] : [];
    return [...ours, ...cgroups(below, ids)];
  });
}

/** None of one that is gone: those of other tests come and go meanwhile. */
function directoriesIn(directory: string): string[] {
  try {
    const found = readdirSync(directory, { withFileTypes: true });
    return found.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
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
