/** What the overlay of a container lies over: a directory's absolute path, or an image to be mounted first. */
export type Lower = string | ErofsLower;

/** Absolute paths. */
export interface ErofsLower {
  readonly image: string;
  /** The tars that hold the files' data, in the order of the image's device table. */
  readonly devices: readonly string[];
}
