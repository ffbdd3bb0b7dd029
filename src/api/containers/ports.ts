import type { PublishedPort } from "../../launch/network/ports.js";
import type { ContainerState } from "./state.js";

/** `0.0.0.0:8080->80/tcp`, as `ps` lists them. */
export function portTexts(state: ContainerState): string[] {
  return (state.ports ?? []).map((port) => `${hostSide(port)}->${port.containerPort}/${port.protocol}`);
}

/** `0.0.0.0:8080`; IPv6 addresses in brackets. */
export function hostSide({ hostIp, hostPort }: PublishedPort): string {
  return `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}`;
}
