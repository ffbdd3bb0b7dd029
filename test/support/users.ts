import { isRoot } from "./tools.js";

/** Who end-to-end tests run as: root and an ordinary user where we are root, else whoever we are. */
export interface TestUser {
  readonly who: string;
  /** What `pullrun` and `temporaryDirectory` of cli.ts take. */
  readonly as: { readonly uid?: number };
}

export const ordinaryUid = 12345;

export const testUsers: readonly TestUser[] = isRoot
  ? [
      { who: "root", as: {} },
      { who: "an ordinary user", as: { uid: ordinaryUid } },
    ]
  : [{ who: "the current user", as: {} }];

/** Flags of `run` for an image with one owner of files: without root it then says nothing about the others. */
export function squashIds({ uid }: TestUser["as"]): string[] {
  return isRoot && uid === undefined ? [] : ["--squash-ids"];
}
