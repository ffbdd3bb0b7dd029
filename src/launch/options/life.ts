import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { signalNumber } from "../signals.js";
import { badValue } from "./bad-value.js";

/** What becomes of the container besides what runs in it: how it is called, ended, started again and removed. */
export interface LifeOptions {
  readonly name?: string;
  /** On top of the image's. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it goes, with everything it wrote, when it ends. */
  readonly autoRemove: boolean;
  readonly detached: boolean;
  /** Which of our streams are joined with its own; stdout and stderr, where none is named. */
  readonly attach?: readonly Stream[];
  /** Name or number; else the image's, else SIGTERM. */
  readonly stopSignal?: string;
  /** Seconds from the stop signal to SIGKILL; -1: no SIGKILL. */
  readonly stopTimeout?: number;
  readonly restart?: RestartPolicy;
  /** Size at which its log is rotated; 0: it keeps none. */
  readonly logBytes?: number;
}

export type Stream = "stdin" | "stdout" | "stderr";

export interface RestartPolicy {
  readonly name: "no" | "on-failure" | "always" | "unless-stopped";
  /** Of `on-failure`; without it there is no end. */
  readonly maximum?: number;
}

/** Docker's (moby daemon/names). */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const maxNameLength = 200;

export function checkName(flag: string, name: string): void {
  if (namePattern.test(name) && name.length <= maxNameLength) return;
  throw badValue(flag, printable(name, 80), "two or more letters, digits, _ . or -, a letter or digit first");
}

/** @throws UsageError BAD_VALUE, BAD_FLAG */
export function checkLifeOptions(options: LifeOptions): void {
  const { name, stopSignal, autoRemove, restart, detached, attach } = options;
  if (name !== undefined) checkName("--name", name);
  if (stopSignal !== undefined) signalNumber("--stop-signal", stopSignal);
  if (detached && attach !== undefined) {
    throw new UsageError("BAD_FLAG", "--attach: conflicts with --detach", {
      hint: "leave out one of them: nothing is shown of what runs in the background",
    });
  }
  if (autoRemove && restart !== undefined && restart.name !== "no") {
    throw new UsageError("BAD_FLAG", `--restart ${restart.name}: conflicts with --rm`, {
      hint: "leave out one of them: what is removed when it ends cannot be started again",
    });
  }
}
