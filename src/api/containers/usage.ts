import type { Hierarchy } from "../../launch/cgroup-hierarchies.js";
import { cgroupsOf } from "./cgroups.js";
import type { Container } from "./container.js";
import { readText } from "./process.js";
import { processesOf } from "./processes.js";
import { ticksPerSecond } from "./top.js";

/** What a running container has used so far. Bytes, and seconds of CPU time. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly memory: number;
  /** Its limit, or all the machine has. */
  readonly memoryLimit: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly pids: number;
}

/** From the container's cgroups where it has its own, else summed up over its processes. */
export async function usageOf(container: Container): Promise<Usage> {
  const [cgroups, processes, network] = await Promise.all([
    cgroupsOf(container),
    processesOf(container.pid),
    networkOf(container.pid),
  ]);
  const ticks = processes.reduce((sum, { cpu }) => sum + cpu, 0);
  const pids = processes.map(({ pid }) => pid);
  return {
    cpuSeconds: (await cpuOf(cgroups)) ?? ticks / ticksPerSecond,
    memory: (await memoryOf(cgroups)) ?? (await residentOf(pids)),
    memoryLimit: await limitOf(container),
    ...network,
    ...(await diskOf(pids)),
    pids: processes.reduce((sum, { threads }) => sum + threads, 0),
  };
}

function carrier(cgroups: readonly Hierarchy[], controller: string): string | undefined {
  return cgroups.find(({ controllers }) => controllers.includes(controller))?.own;
}

function unified(cgroups: readonly Hierarchy[]): string | undefined {
  return cgroups.find(({ version }) => version === 2)?.own;
}

async function cpuOf(cgroups: readonly Hierarchy[]): Promise<number | undefined> {
  const v1 = carrier(cgroups, "cpuacct");
  if (v1 !== undefined) return Number(await readText(`${v1}/cpuacct.usage`)) / 1e9;
  const v2 = unified(cgroups);
  const usage = v2 === undefined ? undefined : numberIn(await readText(`${v2}/cpu.stat`), "usage_usec");
  return usage === undefined ? undefined : usage / 1e6;
}

/** Without the page cache the kernel would give back first, as docker counts. */
async function memoryOf(cgroups: readonly Hierarchy[]): Promise<number | undefined> {
  const v1 = carrier(cgroups, "memory");
  const [directory, file, inactive] =
    v1 === undefined
      ? [unified(cgroups), "memory.current", "inactive_file"]
      : [v1, "memory.usage_in_bytes", "total_inactive_file"];
  if (directory === undefined) return undefined;
  const used = await readText(`${directory}/${file}`);
  if (used === "") return undefined;
  return Number(used) - (numberIn(await readText(`${directory}/memory.stat`), inactive) ?? 0);
}

async function residentOf(pids: readonly number[]): Promise<number> {
  const texts = await Promise.all(pids.map((pid) => readText(`/proc/${pid}/status`)));
  const kib = texts.reduce((sum, text) => sum + (numberIn(text.replaceAll(":", ""), "VmRSS") ?? 0), 0);
  return kib * 1024;
}

async function limitOf({ state }: Container): Promise<number> {
  const kib = numberIn((await readText("/proc/meminfo")).replaceAll(":", ""), "MemTotal") ?? 0;
  return Math.min(state.options.memory ?? Infinity, kib * 1024);
}

/** All interfaces but loopback, in the container's own network; nothing where that is the host's. */
async function networkOf(pid: number): Promise<{ received: number; sent: number }> {
  const [theirs, ours] = await Promise.all([
    readText(`/proc/${pid}/net/dev`),
    readText("/proc/self/net/dev"),
  ]);
  const total = { received: 0, sent: 0 };
  if (theirs === ours) return total;
  for (const line of theirs.split("\n")) {
    const match = /^\s*([^:]+):\s*(.*)$/.exec(line);
    if (match === null || match[1] === "lo") continue;
    const columns = (match[2] ?? "").split(/\s+/).map(Number);
    total.received += columns[0] ?? 0;
    total.sent += columns[8] ?? 0;
  }
  return total;
}

async function diskOf(pids: readonly number[]): Promise<{ read: number; written: number }> {
  const texts = await Promise.all(pids.map((pid) => readText(`/proc/${pid}/io`)));
  const sum = (key: string): number =>
    texts.reduce((total, text) => total + (numberIn(text.replaceAll(":", ""), key) ?? 0), 0);
  return { read: sum("read_bytes"), written: sum("write_bytes") };
}

/** Of `KEY NUMBER` lines. */
function numberIn(text: string, key: string): number | undefined {
  const match = new RegExp(`^${key}\\s+([0-9]+)`, "m").exec(text);
  return match === null ? undefined : Number(match[1]);
}
