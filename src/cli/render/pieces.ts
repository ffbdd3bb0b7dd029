/** Enough for a write to be worth its call. */
const pieceLength = 64 * 1024;

/** The same text in fewer pieces: a list of a hundred thousand lines is neither one string nor as many writes. */
export function* inPieces(lines: Iterable<string>): Generator<string, void> {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
