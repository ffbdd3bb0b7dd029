/** The word of `words` a mistyped `typed` was most likely meant to be: one edit away, or two in a longer word. */
export function suggest(typed: string, words: readonly string[]): string | undefined {
  const allowed = typed.length > 4 ? 2 : 1;
  const ranked = words.map((word) => ({ word, distance: editDistance(typed, word) }));
  return ranked.sort((a, b) => a.distance - b.distance).find(({ distance }) => distance <= allowed)?.word;
}

/** Damerau's: insertions, deletions, replacements and neighbours swapped, row by row. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
