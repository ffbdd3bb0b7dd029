/** Labels in docker's column. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

/** A row with docker's `.Label "KEY"`, which is none of the fields that `json` and errors list. */
export function withLabel<T extends object>(row: T, labels: Readonly<Record<string, string>>): T {
  return Object.defineProperty(row, "Label", { value: labels });
}
