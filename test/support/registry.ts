import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { ContentSource } from "../../src/core/content-source.js";
import { createRequestHandler } from "../../src/registry/serve.js";
import type { TokenAuth } from "../../src/registry/serve-token.js";
import { apply, faultPlan, type Fault } from "./registry-faults.js";

export {
  addChart,
  addImage,
  memoryContent,
  putJson,
  type MemoryContent,
  type TestImage,
} from "./registry-content.js";
export type { Fault, Trouble } from "./registry-faults.js";

/** One request as it arrived. */
export interface LoggedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Body bytes written so far; final once the exchange is over. */
  bytes: number;
}

/** Our own server on a loopback port, with a log and the faults a test has scripted. */
export interface TestRegistry {
  readonly url: string;
  /** `127.0.0.1:PORT`, as in a reference. */
  readonly host: string;
  readonly requests: readonly LoggedRequest[];
  /** `METHOD /path` of every request so far, in order of arrival. */
  lines(): string[];
  /** Faults from now on, in place of all before. */
  script(faults: readonly Fault[]): void;
  close(): Promise<void>;
}

export interface TestRegistryOptions {
  readonly content: ContentSource;
  readonly auth?: TokenAuth;
  readonly faults?: readonly Fault[];
}

export async function startTestRegistry(options: TestRegistryOptions): Promise<TestRegistry> {
  const requests: LoggedRequest[] = [];
  let plan = faultPlan(options.faults ?? []);
  const handler = createRequestHandler(options);
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    const logged: LoggedRequest = { method, url, headers: { ...headers }, bytes: 0 };
    requests.push(logged);
    const write = response.write.bind(response) as (...args: unknown[]) => boolean;
    response.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
      logged.bytes += chunk.length;
      return write(chunk, ...rest);
    }) as typeof response.write;
    const answered = plan(`${method} ${url}`).some((trouble) => apply(trouble, request, response));
    if (!answered) handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    requests,
    lines: () => requests.map(({ method, url }) => `${method} ${url.split("?")[0] ?? ""}`),
    script(faults) {
      plan = faultPlan(faults);
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
