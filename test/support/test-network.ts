import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { pullrunPath } from "./cli.js";
import { mustRun } from "./tools.js";

/** A machine of its own, and another one beside it: network namespaces, so that this machine's network stays as it is. */
export interface TestNetwork {
  /** What to put before a command for it to run there. */
  readonly machine: readonly string[];
  readonly outside: readonly string[];
  /** Runs a command on the machine and gives what it prints. */
  onMachine(...command: readonly string[]): Promise<string>;
  /** Starts a program that says "ready" on standard output. */
  start(
    where: readonly string[],
    command: readonly string[],
    env?: Record<string, string>,
  ): Promise<ChildProcess>;
  /** Starts a container whose program says so. */
  startContainer(args: readonly string[]): Promise<ChildProcess>;
  close(): void;
}

export const machineAddress = "198.51.100.2";
export const outsideAddress = "198.51.100.1";

/** Needs root, ip and nsenter. */
export async function makeTestNetwork(): Promise<TestNetwork> {
  const started: ChildProcess[] = [];
  const namespace = async (): Promise<readonly string[]> => {
    // `cat` ends with us, whatever happens.
    const child = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    started.push(child);
    await once(child.stdout, "data");
    return ["nsenter", `--net=/proc/${child.pid}/ns/net`];
  };
  const machine = await namespace();
  const outside = await namespace();
  const pid = (prefix: readonly string[]): string => /\d+/.exec(prefix[1] ?? "")?.[0] ?? "";
  const on = (where: readonly string[], ...command: readonly string[]): Promise<string> =>
    mustRun(where[0] ?? "", [...where.slice(1), ...command]);
  await on(machine, "ip", "link", "set", "lo", "up");
  await on(outside, "ip", "link", "set", "lo", "up");
  const veth = ["ip", "link", "add", "up0", "type", "veth", "peer", "name", "up0", "netns", pid(outside)];
  await on(machine, ...veth);
  for (const [where, address] of [
    [machine, machineAddress],
    [outside, outsideAddress],
  ] as const) {
    await on(where, "ip", "address", "add", `${address}/24`, "dev", "up0");
    await on(where, "ip", "link", "set", "up0", "up");
  }
  await on(machine, "ip", "route", "add", "default", "via", outsideAddress);
  const start = async (
    where: readonly string[],
    command: readonly string[],
    env?: Record<string, string>,
  ): Promise<ChildProcess> => {
    const [file = "", ...args] = [...where, ...command];
    const child = spawn(file, args, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", CI: "true", ...env },
    });
    started.push(child);
    await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
    return child;
  };
  return {
    machine,
    outside,
    onMachine: (...command) => on(machine, ...command),
    start,
    startContainer: (args) => start(machine, [pullrunPath, ...args]),
    close: () => started.reverse().forEach((child) => child.kill("SIGKILL")),
  };
}

/** Ends a container by SIGTERM and waits for it. */
export async function endContainer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
