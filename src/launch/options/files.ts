/** What the container sees of the host's files, and of its own. */
export interface FileOptions {
  readonly readOnly?: boolean;
}
