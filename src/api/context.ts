import type { Emit, OnExchange } from "../core/events.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import type { Timing } from "../registry/connection.js";
import type { AuthFileText } from "../registry/credentials.js";
import type { NetworkFiles } from "../registry/endpoints.js";
import type { ProxyEnvironment } from "../registry/http.js";
import type { RootfsDriverName } from "../store/rootfs.js";
import type { Store } from "../store/store.js";
import { checkOwner } from "../store/store-owner.js";

export interface ContextOptions {
  /** Store directory. */
  readonly root: string;
  /** Nothing will be written into the store: only then may root open one that another user made. */
  readonly onlyReads?: boolean;
  /** The only driver to use for root file systems; without it the best one that works here. */
  readonly rootfsDriver?: RootfsDriverName | undefined;
  /** Use no id but our own, as an ordinary user: all files of an image are ours. */
  readonly squashIds?: boolean;
  /** Which ids a container of an ordinary user has besides: see user-namespace.ts. */
  readonly userns?: string | undefined;
  /** Docker config files, most important first. */
  readonly authFiles: readonly AuthFileText[];
  /** Where logins are stored. */
  readonly loginFile: string;
  /** This machine's mirrors and certificates. */
  readonly network: NetworkFiles;
  readonly proxyEnv: ProxyEnvironment;
  readonly userAgent: string;
  /** Plain HTTP and unknown certificates allowed. */
  readonly insecure: boolean;
  readonly timing?: Timing;
  readonly emit: Emit;
  /** Hears of every request to a registry. */
  readonly onExchange?: OnExchange;
  readonly signal: AbortSignal;
}

/** What the use cases work with. Each part is opened when first asked for: listing images needs no helper. */
export interface Context extends ContextOptions {
  helper(): Promise<Helper>;
  privilege(): Promise<Privilege>;
  /** Opens the store, making it if `create`. @throws StoreError NOT_FOUND without it, OTHERS_STORE */
  store(options: { readonly create: boolean }): Promise<Store>;
}

const neutral: Omit<ContextOptions, "root" | "signal"> = {
  authFiles: [],
  loginFile: "",
  network: { certsDirs: [], registriesConf: [] },
  proxyEnv: {},
  userAgent: "pullrun",
  insecure: false,
  emit: () => undefined,
};

/** Of the options only where the store is has to be said: the rest means no logins, mirrors, proxies or listeners. */
export function createContext(given: Pick<ContextOptions, "root"> & Partial<ContextOptions>): Context {
  const options: ContextOptions = { ...neutral, signal: new AbortController().signal, ...given };
  const helper = once(async () => {
    const [{ openHelper }, { locateHelper }] = await Promise.all([
      import("../helper/process.js"),
      import("../helper/locate.js"),
    ]);
    return openHelper(locateHelper());
  });
  const privilege = once(async () => {
    const { detectPrivilege } = await import("../helper/detect-privilege.js");
    const detected = await detectPrivilege({ helper: await helper() });
    const { userns } = options;
    const own =
      options.squashIds === true ? (await import("../helper/squash-ids.js")).squashIds(detected) : detected;
    return userns === undefined ? own : (await import("../helper/user-namespace.js")).chooseIds(own, userns);
  });
  let opened: Promise<Store> | undefined;
  const open = async (create: boolean): Promise<Store> => {
    const { openStore } = await import("../store/store.js");
    const { root, rootfsDriver, onlyReads = false } = options;
    checkOwner(root, { onlyReads });
    return openStore(root, { helper: await helper().catch(unavailable), create, rootfsDriver });
  };
  const forgetStore = (error: unknown): never => {
    opened = undefined;
    throw error;
  };
  return {
    ...options,
    helper,
    privilege,
    // Once: a warm run asks three times, and each would read and make directories. A store not found may be made later.
    store: ({ create }) => (opened ??= open(create).catch(forgetStore)),
  };
}

/** Looking into images takes no helper: where it is missing, only what needs it fails. */
function unavailable(error: unknown): Helper {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return { path: "", run: fail, begin: fail, lock: fail };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
