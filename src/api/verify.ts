import type { StoredImage } from "../store/refs.js";
import type { Problem, Verified } from "../store/verify.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { requireStored } from "./find-image.js";

export type { Problem };

export interface VerifyRequest {
  /** Only these; everything in the store if empty. */
  readonly images: readonly string[];
  readonly repair: boolean;
  /** Most bytes the layers of an image may be when a repair unpacks them. */
  readonly maxUnpacked?: number;
}

export interface VerifyReport {
  /** What is wrong, after the repair if there was one. */
  readonly problems: readonly Problem[];
  readonly repaired: readonly Problem[];
  readonly checked: Verified["checked"];
}

/** Each repair may uncover more: documents first name layers, and layers first make root file systems. */
const rounds = 3;

/** Compares everything in the store with its digest or with what it was made from. @throws StoreError NOT_FOUND */
export async function verifyStore(context: Context, request: VerifyRequest): Promise<VerifyReport> {
  const store = await context.store({ create: false });
  const images = request.images.length === 0 ? undefined : await find(store, request.images);
  const privilege = await context.privilege();
  const check = (): Promise<Verified> => store.verify({ images, privilege, signal: context.signal });
  let found = await check();
  const seen = new Map<string, Problem>();
  for (let round = 0; request.repair && round < rounds && found.problems.length > 0; round++) {
    for (const problem of found.problems) seen.set(problem.object, problem);
    const { repairStore } = await import("./repair.js");
    await repairStore(context, store, found.problems, request);
    const before = found.problems;
    found = await check();
    if (sameObjects(before, found.problems)) break;
  }
  for (const { object } of found.problems) seen.delete(object);
  return { ...found, repaired: [...seen.values()] };
}

async function find(store: Store, names: readonly string[]): Promise<StoredImage[]> {
  const images: StoredImage[] = [];
  for (const name of names) images.push(...(await requireStored(store, name)));
  return images;
}

function sameObjects(a: readonly Problem[], b: readonly Problem[]): boolean {
  const objects = new Set(a.map(({ object }) => object));
  return a.length === b.length && b.every(({ object }) => objects.has(object));
}
