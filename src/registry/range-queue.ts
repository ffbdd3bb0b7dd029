/** A range being fetched, with what has come of it and is not handed on yet. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly parts: Uint8Array[];
  state: "open" | "whole" | "failed";
}

/** The ranges of a blob from some byte on, in order: those begun and not handed on yet, and where the next one begins. */
export interface RangeQueue {
  readonly first: Range | undefined;
  readonly length: number;
  /** Nothing is left to begin. */
  readonly isThrough: boolean;
  /** The next one, or a shorter last one. Not to be called once {@link isThrough}. */
  begin(): Range;
  dropFirst(): void;
  /** Wakes all who wait for {@link changed}. */
  change(): void;
  changed(): Promise<void>;
}

export function createRangeQueue(at: {
  readonly start: number;
  readonly size: number;
  readonly rangeBytes: number;
}): RangeQueue {
  const { size, rangeBytes } = at;
  const ranges: Range[] = [];
  let next = at.start;
  let bell = Promise.withResolvers<undefined>();

  return {
    get first() {
      return ranges[0];
    },
    get length() {
      return ranges.length;
    },
    get isThrough() {
      return next >= size;
    },
    begin() {
      const range: Range = { start: next, end: Math.min(size, next + rangeBytes), parts: [], state: "open" };
      next = range.end;
      ranges.push(range);
      return range;
    },
    dropFirst: () => void ranges.shift(),
    change() {
      bell.resolve(undefined);
      bell = Promise.withResolvers<undefined>();
    },
    async changed() {
      await bell.promise;
    },
  };
}
