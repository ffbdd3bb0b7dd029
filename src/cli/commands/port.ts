import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";

/** `80/tcp -> 0.0.0.0:8080` for each; with a port only the host's side of that one. */
export async function run(invocation: Invocation): Promise<number> {
  const [word = "", wanted] = invocation.args;
  const context = await inspectionContext(invocation);
  const { publishedPorts } = await import("../../api/containers/port.js");
  for (const { port, host } of await publishedPorts(context, word, wanted)) {
    invocation.print(wanted === undefined ? `${port} -> ${host}\n` : `${host}\n`);
  }
  return 0;
}
