import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { needsRealRoot } from "./namespaces.js";
import { missing, mustRun } from "./tools.js";

/** A Docker daemon of our own: containers without a network, since there is no bridge, on storage without layers. */
export interface Dockerd {
  /** Runs the `docker` command against it. */
  docker(...args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export const needsDockerd = needsRealRoot + missing("dockerd", "containerd", "docker", "unshare");

/** In mount and network namespaces and a directory of its own. @throws Error with the end of its log */
export async function startDockerd(): Promise<Dockerd> {
  const directory = mkdtempSync(join(tmpdir(), "pullrun-dockerd-"));
  const at = (name: string): string => join(directory, name);
  const socket = at("docker.sock");
  mkdirSync(at("run"));
  const flags = [
    ...["--iptables=false", "--bridge=none", "--storage-driver=vfs", "-H", `unix://${socket}`],
    ...["--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid")],
  ];
  // /run is its own, so that nothing of a daemon of this machine is touched.
  const script = 'mount --bind "$1" /run && shift && exec dockerd "$@"';
  const command = ["-m", "-n", "--propagation", "private", "sh", "-c", script, "sh", at("run"), ...flags];
  const child = spawn("unshare", command, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-2000)));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  while (!existsSync(socket) && child.exitCode === null) await sleep(50);
  if (child.exitCode !== null) throw new Error(`dockerd: ended before it listened: ${log}`);
  return {
    docker: (...args) => mustRun("docker", args, { env: { DOCKER_HOST: `unix://${socket}` } }),
    async close() {
      child.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
