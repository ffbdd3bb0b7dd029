/** A report as headings and tables, before it is Markdown or HTML. */
export interface Document {
  readonly title: string;
  readonly sections: readonly Section[];
}

export interface Section {
  readonly heading: string;
  /** Ours, never an image's: it is printed as it is. */
  readonly note?: string;
  /** None where the note says all there is. */
  readonly table?: DocumentTable;
}

export interface DocumentTable {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

/** Cells of a `code` column are text from an image, to be shown letter by letter; `number` is aligned to the right. */
export interface Column {
  readonly heading: string;
  readonly kind: "text" | "number" | "code";
}

/** `code:DIFF ID`, `number:SIZE`, or just `NAME`. */
export function column(text: string): Column {
  const [, kind, heading] = /^(number|code):(.*)$/.exec(text) ?? [];
  return kind === undefined
    ? { heading: text, kind: "text" }
    : { heading: heading ?? "", kind: kind as "code" };
}
