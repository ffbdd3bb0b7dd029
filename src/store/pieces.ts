/** Items are joined to pieces of about this size. */
const targetBytes = 512 * 1024;

/** A part of a file that is made of items one behind the other. */
export interface Area<T> {
  readonly items: readonly T[];
  /** Length of the area in bytes; the first piece begins at 0. */
  readonly end: number;
  startOf(item: T): number;
  /** Writes the item into a zeroed piece that begins at `pieceAt` of the area. */
  write(piece: Buffer, item: T, pieceAt: number): void;
}

/** The whole of it, in order. */
export function* piecesOf<T>({ items, end, startOf, write }: Area<T>): Generator<Buffer, void> {
  let pieceAt = 0;
  for (let first = 0; first < items.length;) {
    let next = first + 1;
    const startsWithin = (item: T | undefined): boolean =>
      item !== undefined && startOf(item) - pieceAt < targetBytes;
    while (startsWithin(items[next])) next++;
    const following = items[next];
    const pieceEnd = following === undefined ? end : startOf(following);
    const piece = Buffer.alloc(pieceEnd - pieceAt);
    for (const item of items.slice(first, next)) write(piece, item, pieceAt);
    yield piece;
    pieceAt = pieceEnd;
    first = next;
  }
}
