import type { LayerState, PullEvent } from "../../core/events.js";
import { createMeter, type Meter } from "./meter.js";

/** What is known of a pull from its events: the state every renderer shows a view of. */
export interface Board {
  /** `now` in milliseconds, of any steady clock. */
  apply(event: PullEvent, now: number): void;
  /** In the order the manifests have them; one that several images share is there once. */
  layers(): readonly LayerView[];
  totals(now: number): Totals;
}

export interface LayerView {
  readonly digest: string;
  readonly state: LayerState;
  /** Bytes here, of `total`. */
  readonly done: number;
  readonly total: number;
  /** Bytes that came in during this pull. */
  readonly fetched: number;
  /** Why it is not going on just now: a retry's cause and pause. Gone with the next byte. */
  readonly trouble?: string;
  rate(now: number): number;
}

export interface Totals {
  readonly layers: number;
  readonly finished: number;
  readonly done: number;
  readonly total: number;
  readonly fetched: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Until the last byte is here; undefined while nothing comes in. */
  readonly secondsLeft: number | undefined;
  readonly elapsedMs: number;
}

type Row = { -readonly [K in keyof LayerView]: LayerView[K] } & { readonly meter: Meter };

export function createBoard(): Board {
  const rows = new Map<string, Row>();
  const meter = createMeter();
  let start: number | undefined;

  function advance(event: Extract<PullEvent, { type: "layer" }>, now: number): void {
    const row = rows.get(event.digest) ?? addRow(rows, event.digest, event.total);
    const fresh = event.fetched - row.fetched;
    const begins = event.state === "downloading" && row.state !== "downloading";
    if (fresh > 0) delete row.trouble;
    // A count of 0 marks when waiting for the first byte began.
    if (fresh > 0 || begins) {
      row.meter.add(Math.max(0, fresh), now);
      meter.add(Math.max(0, fresh), now);
    }
    const { state, done, total, fetched } = event;
    Object.assign(row, { state, done, total, fetched });
  }

  return {
    apply(event, now) {
      start ??= now;
      if (event.type === "resolved")
        for (const { digest, size } of event.layers) if (!rows.has(digest)) addRow(rows, digest, size);
      if (event.type === "layer") advance(event, now);
      if (event.type === "retry") note(rows, event);
    },
    layers: () => [...rows.values()],
    totals(now) {
      const all = [...rows.values()];
      const sum = (of: (row: Row) => number): number => all.reduce((total, row) => total + of(row), 0);
      const done = sum((row) => row.done);
      const total = sum((row) => row.total);
      const rate = meter.rate(now);
      return {
        layers: all.length,
        finished: all.filter(isFinished).length,
        done,
        total,
        fetched: sum((row) => row.fetched),
        rate,
        secondsLeft: rate < 1 || done >= total ? undefined : (total - done) / rate,
        elapsedMs: now - (start ?? now),
      };
    },
  };
}

export function isFinished({ state }: Pick<LayerView, "state">): boolean {
  return state === "done" || state === "exists";
}

function addRow(rows: Map<string, Row>, digest: string, total: number): Row {
  const meter = createMeter();
  const rate = (now: number): number => meter.rate(now);
  const row: Row = { digest, state: "waiting", done: 0, total, fetched: 0, meter, rate };
  rows.set(digest, row);
  return row;
}

/** A retry names what it is about as text; for a layer its digest is in there. */
function note(rows: Map<string, Row>, { what, code, waitMs }: Extract<PullEvent, { type: "retry" }>): void {
  const digest = /sha256:[0-9a-f]{64}/.exec(what)?.[0];
  const row = digest === undefined ? undefined : rows.get(digest);
  if (row !== undefined) row.trouble = `${code.toLowerCase()}, again in ${(waitMs / 1000).toFixed(1)}s`;
}
