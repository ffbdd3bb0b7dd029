import type { Emit } from "../core/events.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import type { AuthFileText } from "../registry/credentials.js";
import type { ProxyEnvironment } from "../registry/http.js";
import type { Store } from "../store/store.js";

export interface ContextOptions {
  /** Store directory. */
  readonly root: string;
  /** Docker config files, most important first. */
  readonly authFiles: readonly AuthFileText[];
  readonly proxyEnv: ProxyEnvironment;
  readonly userAgent: string;
  /** Plain HTTP and unknown certificates allowed. */
  readonly insecure: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** What the use cases work with. Each part is opened when first asked for: listing images needs no helper. */
export interface Context extends ContextOptions {
  helper(): Promise<Helper>;
  privilege(): Promise<Privilege>;
  /** Opens the store, making it if `create`. @throws StoreError NOT_FOUND without it */
  store(options: { readonly create: boolean }): Promise<Store>;
}

export function createContext(options: ContextOptions): Context {
  const helper = once(async () => {
    const [{ openHelper }, { locateHelper }] = await Promise.all([
      import("../helper/process.js"),
      import("../helper/locate.js"),
    ]);
    return openHelper(locateHelper());
  });
  const privilege = once(async () => {
    const { detectPrivilege } = await import("../helper/detect-privilege.js");
    return detectPrivilege({ helper: await helper() });
  });
  return {
    ...options,
    helper,
    privilege,
    async store({ create }) {
      const { openStore } = await import("../store/store.js");
      return openStore(options.root, { helper: await helper(), create });
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
