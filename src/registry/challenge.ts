/** What a 401 asks for: one entry of WWW-Authenticate (RFC 9110 section 11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Keys in lower case; of a repeated key the first value counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

// Longest header worth reading; a Bearer challenge has about 200 characters.
const maxLength = 8192;

// The pieces a header is made of, each matched at one position only, so that the scan is linear.
const separators = /[\s,]*/y;
const word = /[^\s,="]+/y;
const equals = /\s*=\s*/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const bare = /[^\s,"]*/y;

/**
 * Parses one or several challenges. Lenient, as registries are not careful: any letter case, commas or spaces missing
 * or doubled, quotes left out. Never throws; what cannot be read ends the list.
 */
export function parseChallenges(header: string | undefined): Challenge[] {
  if (header === undefined || header.length > maxLength) return [];
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const cursor = { text: header, at: 0 };
  for (;;) {
    take(cursor, separators);
    const name = take(cursor, word)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    const current = challenges.at(-1);
    if (current !== undefined && take(cursor, equals) !== null) {
      const value = takeValue(cursor);
      if (value === undefined) return challenges;
      if (!current.parameters.has(name)) current.parameters.set(name, value);
    } else {
      challenges.push({ scheme: name, parameters: new Map() });
    }
  }
}

interface Cursor {
  readonly text: string;
  at: number;
}

function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match !== null) cursor.at = pattern.lastIndex;
  return match;
}

/** A quoted string or a bare word; undefined for a quote that never closes. */
function takeValue(cursor: Cursor): string | undefined {
  const match = take(cursor, quoted);
  if (match !== null) return (match[1] ?? "").replace(/\\(.)/g, "$1");
  if (cursor.text[cursor.at] === '"') return undefined;
  return take(cursor, bare)?.[0] ?? "";
}
