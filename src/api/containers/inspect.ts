import { describeMounts } from "../volumes/describe.js";
import path from "node:path";
import type { Context } from "../context.js";
import { isUp, type Container } from "./container.js";
import { findContainer } from "./find.js";
import { configView } from "./inspect-config.js";
import { hostConfig } from "./inspect-host.js";
import { nameOf } from "./names.js";
import { readSpec } from "./spec-file.js";
import { networkSettings } from "./inspect-network.js";

/** What `docker inspect` has for a time that has not come. */
const never = "0001-01-01T00:00:00Z";

/**
 * A container in docker's field names, so that templates written for `docker inspect` work: `.State.Status`,
 * `.Config.Env`, `.HostConfig.Memory`. @throws StoreError NOT_FOUND
 */
export async function inspectContainer(context: Context, word: string): Promise<Record<string, unknown>> {
  const container = await findContainer(context, word);
  const spec = await readSpec(container.directory);
  const { id, directory, state, status } = container;
  const [program = "", ...args] = state.command;
  const at = (name: string): string => path.join(directory, name);
  return {
    Id: id,
    Created: state.created,
    Path: program,
    Args: args,
    State: stateView(container),
    Image: state.image.id,
    ResolvConfPath: at("resolv.conf"),
    HostnamePath: at("hostname"),
    HostsPath: at("hosts"),
    LogPath: at("log"),
    Name: `/${nameOf(state)}`,
    RestartCount: status?.restarts ?? 0,
    Driver: state.chainId === undefined ? "flat" : "overlay",
    Platform: "linux",
    HostConfig: hostConfig(state, spec),
    Mounts: describeMounts(state.mounts ?? []),
    Config: configView(state, spec),
    NetworkSettings: networkSettings(container),
  };
}

function stateView({ phase, pid, exitCode, status }: Container): Record<string, unknown> {
  return {
    Status: phase,
    Running: isUp(phase),
    Paused: phase === "paused",
    Restarting: phase === "restarting",
    OOMKilled: status?.oom ?? false,
    Dead: false,
    Pid: pid,
    ExitCode: exitCode,
    Error: status?.error ?? "",
    StartedAt: status?.started ?? never,
    FinishedAt: status?.finished ?? never,
    // Health checks are not run: for templates that ask whether there is one.
    Health: null,
  };
}
