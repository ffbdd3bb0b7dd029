import type { CommandGroup, CommandSpec } from "../command.js";

/** What the completion scripts know of one command. */
export interface Completion {
  /** `run`, or `volume ls`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
  /** What its arguments name, where we can list those. */
  readonly takes: "image" | "container" | "other";
}

export interface CompletedFlag {
  readonly short?: string;
  readonly long: string;
  readonly takesValue: boolean;
  readonly description: string;
}

export const programFlags: readonly CompletedFlag[] = [
  { long: "root", takesValue: true, description: "store directory" },
  { long: "rootfs-driver", takesValue: true, description: "erofs or directories" },
  { long: "version", takesValue: false, description: "print our version" },
  { long: "help", takesValue: false, description: "print help" },
];

export function completionsOf(
  commands: readonly CommandSpec[],
  groups: readonly CommandGroup[],
): readonly Completion[] {
  const grouped = groups.flatMap((group) =>
    group.commands.map((spec) => ({ ...completionOf(spec), name: `${group.name} ${spec.name}` })),
  );
  return [...commands.map(completionOf), ...grouped];
}

function completionOf({ name, summary, args, flags }: CommandSpec): Completion {
  const takes = (["image", "container"] as const).find((kind) => args.startsWith(`<${kind}`)) ?? "other";
  const help = { long: "help", takesValue: false, description: "print help" };
  return { name, summary, takes, flags: [...flags.map(flagOf), help] };
}

/** From commander's syntax: `-e, --env <key=value>`. */
function flagOf({ flags, description }: CommandSpec["flags"][number]): CompletedFlag {
  const [, short, long = "", value] = /^(?:-(\w), )?--(\S+)( <.*)?$/.exec(flags) ?? [];
  return { ...(short === undefined ? {} : { short }), long, takesValue: value !== undefined, description };
}
