import type { Terminal } from "./screen.js";

const hide = "\u001b[?25l";
const show = "\u001b[?25h";

/**
 * Hides the cursor until the function returned is called, whatever ends the process before: `leave` is called first
 * then, to wind up the screen. Only SIGKILL cannot be helped.
 */
export function hideCursor(terminal: Terminal, leave: () => void): () => void {
  terminal.write(hide);
  const onExit = (): void => {
    leave();
    restore();
  };
  // Main aborts the work on the first of these; a second one kills without further notice, so the first must do.
  const polite = ["SIGINT", "SIGTERM"] as const;
  // Nobody else listens for these, and our listening keeps them from killing.
  const fatal = ["SIGHUP", "SIGQUIT"] as const;
  const onFatal = (signal: NodeJS.Signals): void => {
    onExit();
    process.kill(process.pid, signal);
  };
  // Ctrl-Z: the shell's line needs the cursor meanwhile. Listening keeps the signal from stopping us.
  const onSuspend = (): void => {
    terminal.write(show);
    process.kill(process.pid, "SIGSTOP");
  };
  const onContinue = (): void => void terminal.write(hide);
  const restore = (): void => {
    terminal.write(show);
    process.off("SIGTSTP", onSuspend);
    process.off("SIGCONT", onContinue);
    process.off("exit", onExit);
    for (const signal of polite) process.off(signal, onExit);
    for (const signal of fatal) process.off(signal, onFatal);
  };
  process.on("SIGTSTP", onSuspend);
  process.on("SIGCONT", onContinue);
  process.once("exit", onExit);
  for (const signal of polite) process.once(signal, onExit);
  for (const signal of fatal) process.once(signal, onFatal);
  return restore;
}
