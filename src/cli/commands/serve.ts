import { once } from "node:events";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { parsePort } from "../values.js";

/** Serves until SIGINT or SIGTERM, a line per request on stderr. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, signal } = invocation;
  const context = await contextOf(invocation, () => undefined);
  const { serveImages } = await import("../../api/serve.js");
  const name = flags.text("name");
  const server = await serveImages(context, {
    ...(args[0] === undefined ? {} : { layout: args[0] }),
    ...(name === undefined ? {} : { name }),
    address: flags.text("address") ?? "127.0.0.1",
    port: parsePort("--port", flags.text("port") ?? "5000"),
    tokenAuth: flags.on("token-auth"),
    onRequest: invocation.note,
  });
  invocation.print(`${server.url}\n`);
  if (!signal.aborted) await once(signal, "abort");
  await server.close();
  return 0;
}
