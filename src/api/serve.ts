import path from "node:path";
import { layoutContent } from "../store/content.js";
import type { Context } from "./context.js";

export interface ServeOptions {
  /** An OCI layout directory; our own store without it. */
  readonly layout?: string;
  /** Repository that a layout's bare tags (`latest`) belong to; its directory's name by default. */
  readonly name?: string;
  readonly address: string;
  readonly port: number;
  readonly tokenAuth: boolean;
  onRequest(line: string): void;
}

export interface RunningServer {
  /** `http://ADDRESS:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves images read-only until closed. Anonymous clients get tokens too: it is the flow that is shown, not a lock. */
export async function serveImages(context: Context, options: ServeOptions): Promise<RunningServer> {
  const { startServer } = await import("../registry/serve.js");
  const directory = path.resolve(options.layout ?? context.root);
  const content = layoutContent(directory, { repository: options.name ?? path.basename(directory) });
  return startServer({
    content,
    address: options.address,
    port: options.port,
    ...(options.tokenAuth ? { auth: {} } : {}),
    onRequest: ({ method, url, status }) => options.onRequest(`${method} ${url} ${status}`),
  });
}
