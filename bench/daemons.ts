import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runTool } from "../test/support/tools.js";
import { absent, emptied } from "./peers.js";

/** docker's or containerd's daemon, started for the benchmarks alone, and its command line. */
export interface Daemon {
  /** Why there is none. */
  readonly missing: string | undefined;
  argv(...args: readonly string[]): string[];
  close(): Promise<void>;
}

/** With no network of its own: it touches neither bridges nor firewall rules. */
export async function startDocker(scratch: string): Promise<Daemon> {
  const root = path.join(scratch, "docker");
  const socket = `unix://${root}/socket`;
  const argv = (...args: readonly string[]): string[] => ["docker", "-H", socket, ...args];
  const places = ["--data-root", `${root}/data`, "--exec-root", `${root}/exec`, "--pidfile", `${root}/pid`];
  const nothing = ["--iptables=false", "--ip6tables=false", "--bridge=none"];
  const command = ["dockerd", "-H", socket, ...places, ...nothing, "--storage-driver=overlay2"];
  return start({ root, needs: ["dockerd", "docker", "containerd"], command, argv, probe: argv("version") });
}

export async function startContainerd(scratch: string): Promise<Daemon> {
  const root = path.join(scratch, "containerd");
  const socket = `${root}/socket`;
  const argv = (...args: readonly string[]): string[] => ["ctr", "-a", socket, ...args];
  const command = ["containerd", "--root", `${root}/data`, "--state", `${root}/state`, "-a", socket];
  return start({ root, needs: ["containerd", "ctr"], command, argv, probe: argv("version") });
}

interface Start {
  readonly root: string;
  readonly needs: readonly string[];
  readonly command: readonly string[];
  readonly probe: readonly string[];
  argv(...args: readonly string[]): string[];
}

async function start({ root, needs, command, argv, probe }: Start): Promise<Daemon> {
  const none = async (): Promise<void> => undefined;
  const lacking = absent(...needs);
  if (lacking !== undefined) return { missing: lacking, argv, close: none };
  emptied(root);
  // Its mounts go with it: a mount namespace of its own.
  const child = spawn("unshare", ["--mount", "--propagation", "private", ...command], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr.pipe(createWriteStream(path.join(root, "log")));
  if (await answers(child, probe)) return { missing: undefined, argv, close: () => stop(child) };
  await stop(child);
  return { missing: `${needs[0]} does not start here`, argv, close: none };
}

async function answers(child: ChildProcess, [file = "", ...args]: readonly string[]): Promise<boolean> {
  for (let tries = 0; tries < 60 && child.exitCode === null && child.signalCode === null; tries++) {
    if ((await runTool(file, args)).status === 0) return true;
    await sleep(250);
  }
  return false;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
