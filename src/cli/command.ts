import type { Env } from "./env.js";

/** One flag, in commander's syntax (`-e, --env <KEY=VALUE>`); a `repeat` flag collects its values in order. */
export interface FlagSpec {
  readonly flags: string;
  readonly description: string;
  readonly repeat?: true;
  readonly choices?: readonly string[];
  readonly default?: string;
}

/** A row of the command table: cheap data, so that starting one command never loads another. */
export interface CommandSpec {
  readonly name: string;
  /** Arguments in commander's syntax: `<image> [args...]`. */
  readonly args: string;
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  /** Flags that are as if given, by their names in camel case. */
  readonly implied?: Readonly<Record<string, unknown>>;
  /** Everything after the first argument belongs to the container, as in `docker run`. */
  readonly passThrough?: true;
  /** Exit status for our own failures: 125 for what starts containers, where 1 and 2 are the container's. */
  readonly failure: 1 | 125;
  /** Writes nothing into the store: root may look into anybody's (docs/adr/0021). */
  readonly onlyReads?: true;
  load(): Promise<CommandModule>;
}

/** Commands of two words, such as `volume ls`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandSpec[];
}

export interface CommandModule {
  /** Resolves to the exit status. */
  run(invocation: Invocation): Promise<number>;
}

export interface Invocation {
  readonly args: readonly string[];
  readonly flags: Flags;
  readonly env: Env;
  /** The command's {@link CommandSpec.onlyReads}. */
  readonly onlyReads: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Results, to stdout. */
  print(text: string): void;
  /** Everything else, to stderr, one line. */
  note(text: string): void;
}

/** Flag values by long name. */
export interface Flags {
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  on(name: string): boolean;
}

export function flagsOf(values: Readonly<Record<string, unknown>>): Flags {
  return {
    text: (name) => (typeof values[camel(name)] === "string" ? (values[camel(name)] as string) : undefined),
    list: (name) => (Array.isArray(values[camel(name)]) ? (values[camel(name)] as string[]) : []),
    // commander takes `--no-trunc` for the denial of a flag `trunc` that is on.
    on: (name) =>
      name.startsWith("no-") ? values[camel(name.slice(3))] === false : values[camel(name)] === true,
  };
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
