import { createContext, type Context, type ContextOptions } from "../../src/api/context.js";
import type { PullEvent } from "../../src/core/events.js";
import { noNetworkFiles } from "../../src/registry/endpoints.js";
import { temporaryDirectory } from "./cli.js";

export interface TestContext extends Context {
  /** All events so far. */
  readonly events: PullEvent[];
}

/** What a use case needs, with a store of its own, short pauses, and nothing from this machine's configuration. */
export function testContext(options: Partial<ContextOptions> = {}): TestContext {
  const events: PullEvent[] = [];
  const context = createContext({
    root: temporaryDirectory(),
    authFiles: [],
    loginFile: "/nonexistent/config.json",
    network: noNetworkFiles,
    proxyEnv: {},
    userAgent: "pullrun-test",
    insecure: false,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    timing: { retryBaseMs: 1, stallMs: 300 },
    ...options,
  });
  return { ...context, events };
}
