/** The images that the cases start; in a file of its own, which the runner can have without what makes them. */
export const imageNames = ["box", "entry", "shell", "neither", "crowd", "linked", "pipe", "bare"] as const;
export type ImageName = (typeof imageNames)[number];
