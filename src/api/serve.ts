import path from "node:path";
import { UsageError } from "../core/errors.js";
import { isRepositoryName } from "../core/reference.js";
import { printable } from "../core/text.js";
import { layoutContent } from "../store/content.js";
import { readIndex } from "../store/index-file.js";
import { resolveDirectory } from "../store/new-directory.js";
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

/**
 * Serves images read-only until closed. @throws StoreError NOT_FOUND, CORRUPT where there are none to serve; UsageError
 * BAD_VALUE; NetworkError REFUSED where it cannot listen. Anonymous clients get tokens too: it is the flow that is shown, not a lock.
 */
export async function serveImages(context: Context, options: ServeOptions): Promise<RunningServer> {
  const { startServer } = await import("../registry/serve.js");
  if (options.layout === undefined) await context.store({ create: false });
  const directory = resolveDirectory("serve", options.layout ?? context.root);
  await readIndex(directory);
  const content = layoutContent(directory, { repository: repositoryFor(directory, options) });
  return startServer({
    content,
    address: options.address,
    port: options.port,
    ...(options.tokenAuth ? { auth: {} } : {}),
    onRequest: ({ method, url, status }) => options.onRequest(`${method} ${url} ${status}`),
  });
}

function repositoryFor(directory: string, { layout, name = path.basename(directory) }: ServeOptions): string {
  // The names in a store of ours are whole.
  if (layout === undefined || isRepositoryName(name)) return name;
  throw new UsageError("BAD_VALUE", `serve: ${printable(name, 60)}: not a repository name`, {
    hint: "name the repository of the layout's bare tags with --name, such as --name team/app",
  });
}
