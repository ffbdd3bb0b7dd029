import type { CommandGroup, FlagSpec } from "../command.js";
import { json } from "../flags/shared.js";

const filter: FlagSpec = {
  flags: "-f, --filter <filter>",
  description: "name=TEXT, label=KEY[=VALUE], dangling=true|false, driver=local",
  repeat: true,
};
const format: FlagSpec = {
  flags: "--format <template>",
  description: "print by a Go template such as '{{.Name}}', or `json`",
};

export const volumeGroup: CommandGroup = {
  name: "volume",
  summary: "directories that outlast containers: create, ls, inspect, rm, prune",
  commands: [
    {
      name: "create",
      args: "[name]",
      summary: "make a volume, and print its name",
      flags: [
        { flags: "--label <key=value>", description: "set a label", repeat: true },
        { flags: "-d, --driver <name>", description: "there is one", choices: ["local"], default: "local" },
      ],
      failure: 1,
      load: () => import("./volume-create.js"),
    },
    {
      name: "ls",
      args: "",
      summary: "list volumes",
      flags: [{ flags: "-q, --quiet", description: "print names only" }, filter, json, format],
      failure: 1,
      onlyReads: true,
      load: () => import("./volume-ls.js"),
    },
    {
      name: "inspect",
      args: "<volume...>",
      summary: "print what there is to know about volumes, as JSON",
      flags: [format],
      failure: 1,
      onlyReads: true,
      load: () => import("./volume-inspect.js"),
    },
    {
      name: "rm",
      args: "<volume...>",
      summary: "remove volumes and what is in them",
      flags: [{ flags: "-f, --force", description: "it is no error if there is none of that name" }],
      failure: 1,
      load: () => import("./volume-rm.js"),
    },
    {
      name: "prune",
      args: "",
      summary: "remove the anonymous volumes that no container has",
      flags: [
        { flags: "-a, --all", description: "named ones too" },
        { flags: "-f, --force", description: "nothing is asked anyway" },
        { ...filter, flags: "--filter <filter>" },
      ],
      failure: 1,
      load: () => import("./volume-prune.js"),
    },
  ],
};
