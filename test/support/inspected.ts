import type { Context } from "../../src/api/context.js";
import type { FileInfo } from "../../src/api/file-info.js";
import type { Store } from "../../src/store/store.js";
import { addImage, openTestStore, type TestImage } from "./store.js";
import { tar, type TarEntrySpec } from "./tar.js";

/** Images in a store of their own, and the context to look into them with. */
export interface Inspected {
  readonly context: Context;
  readonly store: Store;
  readonly warnings: string[];
  /** Adds an image from the entries of its layers; a bare string is a directory if it ends in a slash, else a file. */
  add(name: string, layers: readonly Layer[], config?: object): Promise<TestImage>;
}

export type Layer = readonly (TarEntrySpec | string)[];

export async function openInspected(): Promise<Inspected> {
  const store = await openTestStore();
  const warnings: string[] = [];
  // Looking into images asks for these and nothing else: no helper, no privilege, no registry.
  const needed: Pick<Context, "emit" | "signal" | "store"> = {
    emit: (event) => event.type === "warning" && warnings.push(event.message),
    signal: new AbortController().signal,
    store: () => Promise.resolve(store),
  };
  const context = needed as Context;
  return {
    context,
    store,
    warnings,
    add: (name, layers, config) => addImage(store, name, layers.map(archiveOf), config),
  };
}

export function symlink(name: string, target: string): TarEntrySpec {
  return { name, flag: "2", link: target, mode: 0o777 };
}

export function hardLink(name: string, target: string): TarEntrySpec {
  return { name, flag: "1", link: target };
}

export function archiveOf(layer: Layer): Buffer {
  return tar(...layer.map((spec) => (typeof spec === "string" ? { name: spec } : spec)));
}

/** Paths as text. */
export function pathsOf(files: readonly Pick<FileInfo, "path">[]): string[] {
  return files.map(({ path }) => path.toString());
}
