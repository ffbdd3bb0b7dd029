import { PullrunError } from "../core/errors.js";
import type { Invocation } from "./command.js";
import { reportError } from "./report-error.js";

/**
 * Does `act` for every word and prints the text it returns, nothing for null, or else the word. One that fails does not
 * keep the others from their turn, but shows in the status.
 */
export async function forEachWord(
  { print, env }: Invocation,
  words: readonly string[],
  act: (word: string) => Promise<unknown>,
): Promise<number> {
  let status = 0;
  for (const word of words) {
    try {
      const text = await act(word);
      if (text !== null) print(`${typeof text === "string" ? text : word}\n`);
    } catch (error) {
      if (!(error instanceof PullrunError)) throw error;
      status = reportError(error, { failure: 1, debug: env.debug });
    }
  }
  return status;
}
