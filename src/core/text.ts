/** Text that came from outside, made safe to print. */

// C0, DEL, C1, and the Unicode line/paragraph separators and bidi controls that can rewrite a terminal line
// (Unicode's Bidi_Control: three of them are only marks, but turn the order of what stands beside them).
export const controls =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** One printable line of at most `limit` characters: control characters become `?`. */
export function printable(text: string, limit = 200): string {
  const line = text.replace(controls, "?");
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}

/** A URL without user info and without query values, which may be signatures. */
export function printableUrl(url: URL): string {
  const query = url.search === "" ? "" : "?…";
  return printable(`${url.protocol}//${url.host}${url.pathname}${query}`);
}
