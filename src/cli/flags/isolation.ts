import { readFileSync } from "node:fs";
import { UsageError, errnoOf } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { IsolationOptions } from "../../launch/options/isolation.js";
import type { FlagSpec, Invocation } from "../command.js";

export const isolationFlags: readonly FlagSpec[] = [
  {
    flags: "--security-opt <option>",
    description: "seccomp=FILE|unconfined, no-new-privileges, systempaths=unconfined",
    repeat: true,
  },
];

/** @throws UsageError */
export function isolationOptionsOf({ flags }: Invocation): IsolationOptions {
  return {
    isolation: (flags.text("isolation") ?? "namespaces") as IsolationOptions["isolation"],
    ...securityOptionsOf(flags.list("security-opt")),
  };
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
      return value === "builtin" ? {} : { seccomp: value === "unconfined" ? value : readProfile(value) };
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

function readProfile(file: string): { file: string; text: string } {
  try {
    return { file, text: readFileSync(file, "utf8") };
  } catch (error) {
    const problem = errnoOf(error) ?? "cannot be read";
    throw new UsageError("BAD_VALUE", `--security-opt: seccomp profile ${printable(file)}: ${problem}`, {
      cause: error,
    });
  }
}

function bad(text: string, expected: string): UsageError {
  return new UsageError(
    "BAD_VALUE",
    `--security-opt: ${printable(text, 80)}: not known (expected ${expected})`,
  );
}
