import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";

/** What `pullrun run` was asked for, after the command line is parsed. */
export interface RunOptions {
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
  readonly hostname?: string;
  readonly network: "none" | "host";
  readonly interactive: boolean;
  readonly readOnly?: boolean;
  readonly isolation: "namespaces" | "chroot";
  /** Bytes. */
  readonly memory?: number;
  readonly pidsLimit?: number;
  /** Fractions allowed: 0.5 is half of one CPU's time. */
  readonly cpus?: number;
}

/** Docker's floor: below this even a shell is killed while it starts. */
const minMemory = 6 * 1024 * 1024;
/** The kernel's shortest quota is 1 ms of the 100 ms period. */
const minCpus = 0.01;
/** Linux HOST_NAME_MAX. */
const hostnamePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,63})$/;

/** Refuses values no container could start with. @throws UsageError BAD_VALUE, BAD_FLAG */
export function checkRunOptions(options: RunOptions): void {
  const { memory, pidsLimit, cpus, hostname, workdir } = options;
  if (memory !== undefined && !(Number.isSafeInteger(memory) && memory >= minMemory)) {
    throw bad("--memory", `${memory} bytes`, "at least 6 MiB");
  }
  if (pidsLimit !== undefined && !(Number.isSafeInteger(pidsLimit) && pidsLimit >= 1)) {
    throw bad("--pids-limit", String(pidsLimit), "a whole number from 1");
  }
  if (cpus !== undefined && !(Number.isFinite(cpus) && cpus >= minCpus)) {
    throw bad("--cpus", String(cpus), "at least 0.01");
  }
  if (hostname !== undefined && !hostnamePattern.test(hostname)) {
    throw bad("--hostname", printable(hostname, 80), "letters, digits, dots and dashes, at most 64");
  }
  if (workdir !== undefined && !workdir.startsWith("/")) {
    throw bad("--workdir", printable(workdir, 80), "an absolute path");
  }
  if (options.isolation === "chroot") checkChroot(options);
}

function checkChroot(options: RunOptions): void {
  const impossible =
    options.readOnly === true ? "--read-only" : options.hostname !== undefined ? "--hostname" : "";
  if (impossible === "") return;
  throw new UsageError(
    "BAD_FLAG",
    `${impossible}: not possible with --isolation chroot (expected namespaces)`,
    {
      hint: `leave out ${impossible}, or run without --isolation chroot`,
    },
  );
}

function bad(flag: string, observed: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `${flag}: ${observed} (expected ${expected})`);
}
