import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { AbortError, UsageError } from "../core/errors.js";
import { terminalInput } from "./env.js";

/** Asks for lines at the terminal. */
export interface Prompt {
  /** The next line typed; with `hidden` it does not show. @throws AbortError at Ctrl-C, Ctrl-D or the signal */
  ask(question: string, options?: { readonly hidden: boolean }): Promise<string>;
  close(): void;
}

/** @throws UsageError BAD_FLAG without a terminal */
export function openPrompt(signal: AbortSignal): Prompt {
  if (!terminalInput()) {
    throw new UsageError("BAD_FLAG", "login: no terminal to ask for user name and password", {
      hint: "give them with -u NAME --password-stdin, for example: pullrun login -u me --password-stdin HOST < FILE",
    });
  }
  let isHidden = false;
  // What is typed shows only because readline writes it.
  const output = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (!isHidden) process.stderr.write(chunk);
      done();
    },
  });
  const readline = createInterface({ input: process.stdin, output, terminal: true });
  const typed: string[] = [];
  let wake: () => void = () => undefined;
  let isOver = false;
  readline.on("line", (line) => {
    typed.push(line);
    wake();
  });
  const end = (): void => {
    isOver = true;
    wake();
  };
  for (const event of ["SIGINT", "close"]) readline.on(event, end);
  signal.addEventListener("abort", end);

  return {
    async ask(question, options = { hidden: false }) {
      process.stderr.write(question);
      isHidden = options.hidden;
      while (typed.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve));
      if (isHidden) process.stderr.write("\n");
      isHidden = false;
      const line = typed.shift();
      if (line !== undefined) return line;
      throw new AbortError("INTERRUPTED", "interrupted", { details: { signal: "SIGINT" } });
    },
    close() {
      signal.removeEventListener("abort", end);
      readline.close();
    },
  };
}

/** Everything on standard input but the line end after it. */
export async function readPassword(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
