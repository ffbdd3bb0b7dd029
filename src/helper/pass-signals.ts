import type { ChildProcess } from "node:child_process";

const always = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
/** What keys send: a terminal has told the child already. */
const fromKeys = ["SIGINT", "SIGQUIT"] as const;

/** Passes our signals on to the child, and lets none of them end us, until the returned function is called. */
export function passSignals(child: ChildProcess, { terminal }: { readonly terminal: boolean }): () => void {
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const hold = (): void => undefined;
  const onKeys = terminal ? hold : pass;
  for (const name of always) process.on(name, pass);
  for (const name of fromKeys) process.on(name, onKeys);
  return () => {
    for (const name of always) process.off(name, pass);
    for (const name of fromKeys) process.off(name, onKeys);
  };
}
