import type { CommandGroup, CommandSpec } from "../command.js";
import { insecure, json } from "../flags/shared.js";
import { containerCommands, defaultCommand } from "./container-table.js";
import { registryCommands, storeCommands } from "./image-table.js";
import { inspectionCommands } from "./inspection-table.js";
import { containerGroup, lifeCommands } from "./life-table.js";
import { volumeGroup } from "./volume-table.js";

export const groups: readonly CommandGroup[] = [containerGroup, volumeGroup];

export { defaultCommand };

export const commands: readonly CommandSpec[] = [
  ...containerCommands,
  ...lifeCommands,
  ...registryCommands,
  ...inspectionCommands,
  ...storeCommands,
  {
    name: "serve",
    args: "[layout]",
    summary: "serve the store, or an OCI layout directory, as a read-only registry",
    flags: [
      { flags: "--address <ip>", description: "address to listen on", default: "127.0.0.1" },
      { flags: "--port <n>", description: "port, 0 for any", default: "5000" },
      { flags: "--name <repository>", description: "repository name for a layout's bare tags" },
      { flags: "--token-auth", description: "make clients fetch a token first, as Docker Hub does" },
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./serve.js"),
  },
  {
    name: "login",
    args: "[registry]",
    summary: "log in to a registry (Docker Hub by default) and keep the login if it is right",
    flags: [
      { flags: "-u, --username <name>", description: "user name" },
      { flags: "--password-stdin", description: "read the password from standard input" },
      insecure,
    ],
    failure: 1,
    onlyReads: true,
    load: () => import("./login.js"),
  },
  {
    name: "logout",
    args: "[registry]",
    summary: "forget the login for a registry",
    flags: [],
    failure: 1,
    onlyReads: true,
    load: () => import("./logout.js"),
  },
  {
    name: "demo",
    args: "",
    summary: "serve a built-in image on localhost, pull it and run it: the whole line, no network needed",
    flags: [],
    failure: 1,
    load: () => import("./demo.js"),
  },
  {
    name: "doctor",
    args: "",
    summary: "say what containers can have on this machine, and how to mend each gap",
    flags: [json],
    failure: 1,
    onlyReads: true,
    load: () => import("./doctor.js"),
  },
  {
    name: "info",
    args: "",
    summary: "the same as doctor",
    flags: [json],
    failure: 1,
    onlyReads: true,
    load: () => import("./doctor.js"),
  },
  {
    name: "completion",
    args: "<shell>",
    summary: "print completions for bash, zsh or fish: source <(pullrun completion bash)",
    flags: [],
    failure: 1,
    load: () => import("./completion.js"),
  },
  {
    name: "version",
    args: "",
    summary: "print versions",
    flags: [json],
    failure: 1,
    load: () => import("./version.js"),
  },
];
