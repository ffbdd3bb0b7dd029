import type { SpareConnections } from "../core/blobs.js";
import { NetworkError } from "../core/errors.js";
import { defaultRangeBytes, openLanes, type Lanes, type OpenRange } from "./lanes.js";
import { createWidth, widthDefaults, type WidthOptions } from "./width.js";

export interface WideOptions {
  readonly openRange: OpenRange;
  /** All that is left, over one connection. */
  readonly openRest: (offset: number) => Promise<AsyncIterable<Uint8Array>>;
  /** Where the lead begins. */
  readonly offset: number;
  readonly size: number;
  readonly spare: SpareConnections;
  readonly chances: Chances;
  readonly tuning?: Tuning | undefined;
  readonly signal: AbortSignal;
}

/** How often more than one connection may still be tried for this blob; counted down here. */
export interface Chances {
  left: number;
}

/** For tests: see the defaults. */
export type Tuning = Partial<WidthOptions & { readonly rangeBytes: number }>;

/**
 * The bytes of `lead`, which is open already, and where that pays, of ranges ahead of it over further connections: where a
 * registry limits each connection and there are fewer blobs to fetch than connections. What comes out is in order. The
 * first answer that is not the range asked for ends the experiment, and the lead goes on alone.
 * @throws what the lead throws; a failure of another connection is none
 */
export async function* readWide(
  lead: AsyncIterable<Uint8Array>,
  options: WideOptions,
): AsyncGenerator<Uint8Array> {
  const team = createTeam(options);
  let { offset } = options;
  try {
    let since = performance.now();
    for await (const part of lead) {
      team.waited(performance.now() - since);
      const own = part.subarray(0, team.leadEnd() - offset);
      offset += own.length;
      team.arrived(own.length);
      yield own;
      team.adapt(offset);
      if (offset === team.leadEnd()) break;
      since = performance.now();
    }
    if (offset < team.leadEnd()) return;
    for await (const part of team.follow()) {
      offset += part.length;
      yield part;
      team.adapt(offset);
    }
  } finally {
    team.close();
  }
  if (offset < options.size) yield* readWide(await options.openRest(offset), { ...options, offset });
}

/** The lead's helpers. */
interface Team {
  /** Where the lead stops because the others have begun there; infinite without others. */
  leadEnd(): number;
  waited(ms: number): void;
  arrived(count: number): void;
  /** Adds a helper or sends one away, as the figures say. */
  adapt(offset: number): void;
  /** What the helpers bring, once the lead is through. */
  follow(): AsyncIterable<Uint8Array>;
  close(): void;
}

function createTeam(options: WideOptions): Team {
  const { size, spare, chances } = options;
  const tuning = { ...widthDefaults, rangeBytes: defaultRangeBytes, ...options.tuning };
  let width = createWidth(tuning);
  let lanes: Lanes | undefined;
  let leadEnd = Infinity;
  let hasLead = true;
  let target = 1;

  function widen(offset: number, wanted: number): void {
    let added = 0;
    for (let release = spare.take(); release !== undefined; release = spare.take()) {
      if (lanes === undefined) {
        leadEnd = offset + tuning.rangeBytes;
        lanes = openLanes({ ...options, ...tuning, start: leadEnd, onBytes: width.arrived });
      }
      lanes.add({ onFirstByte: () => width.restart(), onEnd: release });
      if (++added === wanted) break;
    }
    target += added;
    if (added > 0) width.widened(added);
  }

  function narrow(surplus: number): void {
    chances.left = 0;
    target -= surplus;
    // Not even one: all that is left in one request is cheaper than range after range.
    const wanted = target === 1 ? 0 : target - Number(hasLead);
    for (let count = lanes?.count ?? 0; count > wanted; count--) lanes?.remove();
  }

  function goOnAlone(): void {
    countFailure(chances, lanes);
    lanes?.close();
    lanes = undefined;
    leadEnd = Infinity;
    target = 1;
    width = createWidth(tuning);
  }

  function judge(offset: number): void {
    if (lanes === undefined && chances.left <= 0) return;
    const connections = (lanes?.count ?? 0) + Number(hasLead);
    const verdict = width.verdict(size - offset, connections);
    if (verdict > 0 && chances.left > 0) widen(offset, verdict);
    if (verdict < 0) narrow(-verdict);
  }

  return {
    leadEnd: () => leadEnd,
    waited: (ms) => width.waited(ms),
    arrived: (count) => width.arrived(count),
    adapt(offset) {
      if (lanes?.failure === undefined) judge(offset);
      else if (hasLead && !lanes.isUseful) goOnAlone();
    },
    async *follow() {
      hasLead = false;
      if (lanes === undefined) return;
      if (target > 1) lanes.add({});
      yield* lanes.read((ms) => width.waited(ms));
      countFailure(chances, lanes);
    },
    close: () => lanes?.close(),
  };
}

/** What breaks may have broken by chance; what is refused would be refused again. */
function countFailure(chances: Chances, lanes: Lanes | undefined): void {
  const failure = lanes?.failure;
  if (failure !== undefined) chances.left = failure instanceof NetworkError ? chances.left - 1 : 0;
}
