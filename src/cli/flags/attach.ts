import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Stream } from "../../launch/options/life.js";
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

export const attachFlag: FlagSpec = {
  flags: "-a, --attach <stream>",
  description: "which streams to join with ours: stdin, stdout or stderr (the last two)",
  repeat: true,
};

/** Undefined where none is named. @throws UsageError BAD_VALUE */
export function attachedStreamsOf({ flags }: Invocation): readonly Stream[] | undefined {
  const streams = flags.list("attach").map(parseStream);
  return streams.length === 0 ? undefined : streams;
}

/** In either case, as docker takes it. */
function parseStream(text: string): Stream {
  const name = text.toLowerCase();
  if (name === "stdin" || name === "stdout" || name === "stderr") return name;
  throw new UsageError(
    "BAD_VALUE",
    `--attach: ${printable(text, 60)}: no stream (expected stdin, stdout or stderr)`,
  );
}

/** @throws UsageError BAD_VALUE */
export async function clientOptionsOf(
  { flags }: Invocation,
  stdin: boolean,
  attach: readonly Stream[] = ["stdout", "stderr"],
): Promise<ClientOptions> {
  const { encodeDetachKeys } = await import("../../api/containers/client.js");
  // A terminal has only one output.
  const either = flags.on("tty") && attach.some((stream) => stream !== "stdin");
  return {
    stdin,
    stdout: either || attach.includes("stdout"),
    stderr: either || attach.includes("stderr"),
    signals: flags.text("sig-proxy") !== "false",
    detachKeys: encodeDetachKeys(flags.text("detach-keys") ?? ""),
  };
}

/** A terminal in the container whose input comes from a pipe would wait for keys nobody presses. */
export function requireTerminal({ flags }: Invocation): void {
  const takesInput = flags.on("interactive") || flags.list("attach").includes("stdin");
  if (!flags.on("tty") || !takesInput || flags.on("detach") || stdinIsTerminal()) return;
  throw new UsageError("BAD_FLAG", "--tty: the input device is not a TTY", {
    hint: "leave out -t to pass a pipe or file on, or -i to pass nothing on",
  });
}
