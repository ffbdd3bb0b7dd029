import { isUp, type Container } from "./container.js";
import type { ContainerState } from "./state.js";

/** How a container is reached, in docker's field names: nothing of one that has ended, and may come back elsewhere. */
export function networkSettings({ state, phase }: Container): Record<string, unknown> {
  const { options, ...asStarted } = state;
  const { ports, network }: Partial<ContainerState> = isUp(phase) ? asStarted : {};
  const place = {
    IPAddress: network?.address ?? "",
    IPPrefixLen: network?.prefix ?? 0,
    Gateway: network?.gateway ?? "",
    MacAddress: network?.mac ?? "",
  };
  return { ...place, Ports: portBindings(ports), Networks: { [options.network]: place } };
}

/** By port of the container, `80/tcp`. Docker has the host's port numbers as text. */
export function portBindings(ports: ContainerState["ports"] = []): Record<string, object[]> {
  const bindings: Record<string, object[]> = {};
  for (const { hostIp, hostPort, containerPort, protocol } of ports) {
    const key = `${containerPort}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }];
  }
  return bindings;
}
