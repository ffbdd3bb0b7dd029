import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { IsolationOptions, SharedNamespace } from "../../launch/options/isolation.js";
import type { Flags, FlagSpec, Invocation } from "../command.js";
import { readFlagFile } from "./flag-file.js";
import { given } from "./given.js";

export const isolationFlags: readonly FlagSpec[] = [
  {
    flags: "--security-opt <option>",
    description: "seccomp=FILE|unconfined, no-new-privileges, systempaths=unconfined",
    repeat: true,
  },
  { flags: "--privileged", description: "every capability and device, nothing hidden, no seccomp" },
  {
    flags: "--cap-add <capability>",
    description: "give a capability such as NET_ADMIN, or ALL",
    repeat: true,
  },
  { flags: "--cap-drop <capability>", description: "take one of docker's 14 away, or ALL", repeat: true },
  {
    flags: "--sysctl <key=value>",
    description: "a kernel setting of the container's namespaces",
    repeat: true,
  },
  { flags: "--init", description: "a first process that reaps children and passes signals on" },
  {
    flags: "--pid <mode>",
    description: "process numbers: private, host or container:NAME",
    default: "private",
  },
  {
    flags: "--ipc <mode>",
    description: "shared memory: private, host or container:NAME",
    default: "private",
  },
  {
    flags: "--uts <mode>",
    description: "host name: private or host",
    choices: ["private", "host"],
    default: "private",
  },
  {
    flags: "--cgroupns <mode>",
    description: "view of cgroups: private or host",
    choices: ["private", "host"],
    default: "private",
  },
];

/** @throws UsageError */
export function isolationOptionsOf({ flags }: Invocation): IsolationOptions {
  return {
    isolation: (flags.text("isolation") ?? "namespaces") as IsolationOptions["isolation"],
    ...securityOptionsOf(flags.list("security-opt")),
    ...given("privileged", flags.on("privileged") || undefined),
    ...given("capAdd", listOf(flags, "cap-add")),
    ...given("capDrop", listOf(flags, "cap-drop")),
    ...given("sysctls", sysctlsOf(flags.list("sysctl"))),
    ...given("init", flags.on("init") || undefined),
    ...given("pid", sharedOf(flags, "pid")),
    ...given("ipc", sharedOf(flags, "ipc")),
    ...given("uts", flags.text("uts") === "host" ? "host" : undefined),
    ...given("cgroupns", flags.text("cgroupns") === "host" ? "host" : undefined),
  };
}

/** Docker takes several in one, too: `--cap-drop A,B`. */
function listOf(flags: Flags, name: string): readonly string[] | undefined {
  const words = flags.list(name).flatMap((text) => text.split(","));
  return words.length === 0 ? undefined : words;
}

/** What docker and podman call the private one is not kept: it is what there is anyway. */
function sharedOf(flags: Flags, name: string): SharedNamespace | undefined {
  const mode = flags.text(name) ?? "private";
  return ["private", "shareable", ""].includes(mode) ? undefined : (mode as SharedNamespace);
}

function sysctlsOf(settings: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (settings.length === 0) return undefined;
  return Object.fromEntries(settings.map(sysctlOf));
}

function sysctlOf(text: string): [key: string, value: string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
  throw new UsageError("BAD_VALUE", `--sysctl: ${printable(text, 80)} (expected KEY=VALUE)`);
}

type SecurityOptions = Pick<IsolationOptions, "seccomp" | "noNewPrivileges" | "unmasked">;

function securityOptionsOf(options: readonly string[]): SecurityOptions {
  return options.map(securityOption).reduce((all, one) => ({ ...all, ...one }), {});
}

/** `KEY=VALUE`, in old scripts `KEY:VALUE`. Docker's words, and podman's `unmask`. */
function securityOption(text: string): SecurityOptions {
  const [, key = "", value = ""] = /^([^=:]*)[=:]?(.*)$/s.exec(text) ?? [];
  switch (key) {
    case "seccomp":
      if (value === "builtin") return {};
      if (value === "unconfined") return { seccomp: value };
      return { seccomp: { file: value, text: readFlagFile("--security-opt: seccomp profile", value) } };
    case "no-new-privileges":
      if (value === "" || value === "true") return { noNewPrivileges: true };
      if (value === "false") return {};
      throw bad(text, "no-new-privileges or no-new-privileges=false");
    case "systempaths":
      if (value === "unconfined") return { unmasked: true };
      throw bad(text, "systempaths=unconfined");
    case "unmask":
      if (value === "ALL") return { unmasked: true };
      throw bad(text, "unmask=ALL");
    case "apparmor":
      if (value === "unconfined") return {};
      throw bad(text, "apparmor=unconfined: pullrun loads no AppArmor profiles");
    case "label":
      if (value === "disable") return {};
      throw bad(text, "label=disable: pullrun sets no SELinux labels");
    default:
      throw bad(
        text,
        "seccomp=…, no-new-privileges, systempaths=unconfined, apparmor=unconfined or label=disable",
      );
  }
}

function bad(text: string, expected: string): UsageError {
  return new UsageError(
    "BAD_VALUE",
    `--security-opt: ${printable(text, 80)}: not known (expected ${expected})`,
  );
}
