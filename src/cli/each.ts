import { PullrunError, StoreError } from "../core/errors.js";
import type { Invocation } from "./command.js";
import { reportError } from "./report-error.js";

/**
 * Does `act` for every word and prints the text it returns, nothing for null, or else the word. One that fails does not
 * keep the others from their turn, but shows in the status; with `absentIsFine`, docker's --force, not for what is not
 * there, which is as wanted.
 */
export async function forEachWord(
  { print, env }: Invocation,
  words: readonly string[],
  act: (word: string) => Promise<unknown>,
  { absentIsFine = false } = {},
): Promise<number> {
  let status = 0;
  for (const word of words) {
    try {
      const text = await act(word);
      if (text !== null) print(`${typeof text === "string" ? text : word}\n`);
    } catch (error) {
      if (!(error instanceof PullrunError)) throw error;
      const failed = reportError(error, { failure: 1, debug: env.debug });
      const isAbsent = error instanceof StoreError && error.code === "NOT_FOUND";
      if (!(absentIsFine && isAbsent)) status = failed;
    }
  }
  return status;
}
