import { layoutContent } from "../../src/store/content.js";
import { startServer } from "../../src/registry/serve.js";
import { demoLayout } from "./cli.js";

/** The fixture images in a registry on localhost that wants tokens. */
export interface Served {
  /** `127.0.0.1:PORT`, as in an image reference. */
  readonly host: string;
  /** `METHOD URL` of every request so far. */
  readonly requests: string[];
  close(): Promise<void>;
}

export async function serveFixtures(layout = demoLayout, repository = "fixture"): Promise<Served> {
  const requests: string[] = [];
  const server = await startServer({
    content: layoutContent(layout, { repository }),
    auth: {},
    onRequest: ({ method, url }) => requests.push(`${method} ${url}`),
  });
  return { host: `127.0.0.1:${server.port}`, requests, close: () => server.close() };
}
