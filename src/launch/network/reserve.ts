import type { PlanStep } from "../../helper/plan.js";
import { protocolNumbers, type PublishedPort } from "./ports.js";

/** Fails where another program has one of the ports, and with `hold` keeps others from taking it later. */
export function reservePorts(
  ports: readonly PublishedPort[],
  { hold }: { readonly hold: boolean },
): PlanStep[] {
  if (ports.length === 0) return [];
  return [
    { kind: "hint", text: "choose another port of the host for --publish, or end what has it (ss -lptun)" },
    ...ports.map(({ protocol, hostIp, hostPort }): PlanStep => ({
      kind: "reserve-port",
      protocol: protocolNumbers[protocol],
      address: hostIp,
      port: hostPort,
      hold: hold ? 1 : 0,
    })),
    { kind: "hint", text: "" },
  ];
}
