import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Context } from "../context.js";
import { isUp } from "./container.js";
import { findContainer } from "./find.js";
import { nameOf } from "./names.js";
import { hostSide } from "./ports.js";

export interface PortMapping {
  /** `80/tcp`. */
  readonly port: string;
  /** `0.0.0.0:8080`. */
  readonly host: string;
}

/** Where a container's ports are reached, all or those of `wanted` (`80`, `53/udp`). @throws UsageError BAD_VALUE */
export async function publishedPorts(
  context: Context,
  word: string,
  wanted?: string,
): Promise<readonly PortMapping[]> {
  const { state, phase } = await findContainer(context, word);
  const all = (isUp(phase) ? (state.ports ?? []) : []).map((port) => ({
    port: `${port.containerPort}/${port.protocol}`,
    host: hostSide(port),
  }));
  if (wanted === undefined) return all;
  const key = wanted.includes("/") ? wanted : `${wanted}/tcp`;
  const found = all.filter(({ port }) => port === key);
  if (found.length > 0) return found;
  const message = `port: ${printable(wanted, 40)}: container ${nameOf(state)} does not publish it`;
  throw new UsageError("BAD_VALUE", message);
}
