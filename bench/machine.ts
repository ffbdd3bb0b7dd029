import { cpus, release, totalmem } from "node:os";
import { have, runTool } from "../test/support/tools.js";

export interface Machine {
  readonly hardware: string;
  /** What the benchmarks compared with, as each says it itself. */
  readonly versions: readonly string[];
  /** YYYY-MM-DD. */
  readonly date: string;
}

export async function describeMachine(): Promise<Machine> {
  const [cpu] = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const tools = ["podman", "dockerd", "containerd", "runc", "skopeo", "umoci", "bwrap"].filter(have);
  return {
    hardware: `${cpus().length} × ${cpu?.model ?? "?"}, ${memory} GiB, Linux ${release()}, Node ${process.versions.node}`,
    versions: await Promise.all(tools.map(versionOf)),
    date: new Date().toISOString().slice(0, 10),
  };
}

async function versionOf(tool: string): Promise<string> {
  const { stdout } = await runTool(tool, ["--version"]);
  return `${tool} ${/[0-9]+\.[0-9.]*[0-9]/.exec(stdout)?.[0] ?? "?"}`;
}
