import { UsageError } from "../../core/errors.js";
import type { ClientOptions } from "../../api/containers/client.js";
import type { FlagSpec, Invocation } from "../command.js";
import { stdinIsTerminal } from "../env.js";

/** Whether the container gets input and a terminal, for the commands that make one. */
export const streamFlags: readonly FlagSpec[] = [
  { flags: "-i, --interactive", description: "pass our standard input on" },
  { flags: "-t, --tty", description: "give it a terminal of its own" },
];

export const detachKeys: FlagSpec = {
  flags: "--detach-keys <keys>",
  description: "keys that leave the container to itself, such as ctrl-p,ctrl-q; '' for none",
  default: "ctrl-p,ctrl-q",
};

/** How our own terminal is connected to a container's, for the commands that watch one. */
export const clientFlags: readonly FlagSpec[] = [
  detachKeys,
  {
    flags: "--sig-proxy <bool>",
    description: "pass signals on to the container",
    choices: ["true", "false"],
    default: "true",
  },
];

/** @throws UsageError BAD_VALUE */
export async function clientOptionsOf({ flags }: Invocation, stdin: boolean): Promise<ClientOptions> {
  const { encodeDetachKeys } = await import("../../api/containers/client.js");
  return {
    stdin,
    signals: flags.text("sig-proxy") !== "false",
    detachKeys: encodeDetachKeys(flags.text("detach-keys") ?? ""),
  };
}

/** A terminal in the container whose input comes from a pipe would wait for keys nobody presses. */
export function requireTerminal({ flags }: Invocation): void {
  if (!flags.on("tty") || !flags.on("interactive") || flags.on("detach") || stdinIsTerminal()) return;
  throw new UsageError("BAD_FLAG", "--tty: the input device is not a TTY", {
    hint: "leave out -t to pass a pipe or file on, or -i to pass nothing on",
  });
}
