import { printable } from "../../core/text.js";
import { badValue } from "./bad-value.js";

/** What runs in the container, and as whom. */
export interface ProcessOptions {
  /** Everything after the image; takes the place of the image's CMD. */
  readonly args: readonly string[];
  /** Takes the place of the image's ENTRYPOINT and drops its CMD; `""` clears both. */
  readonly entrypoint?: string;
  /** `KEY=VALUE`, or `KEY` alone to unset. The CLI has filled in host values already. */
  readonly env: readonly string[];
  /** Absolute; created if missing. */
  readonly workdir?: string;
  /** `NAME|UID[:GROUP|GID]`. */
  readonly user?: string;
  /** 0 to 0777; 0022 unless given. */
  readonly umask?: number;
  /** Further groups, names of the image's or gids. */
  readonly groupAdd?: readonly string[];
  readonly interactive: boolean;
  /** Whether it gets a terminal of its own. */
  readonly tty?: boolean;
}

/** @throws UsageError BAD_VALUE */
export function checkProcessOptions({ workdir, umask = 0 }: ProcessOptions): void {
  if (!Number.isInteger(umask) || umask < 0 || umask > 0o777)
    throw badValue("--umask", String(umask), "an octal mask from 0 to 0777");
  if (workdir !== undefined && !workdir.startsWith("/")) {
    throw badValue("--workdir", printable(workdir, 80), "an absolute path");
  }
}
