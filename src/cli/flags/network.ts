import type { NetworkOptions } from "../../launch/options/network.js";
import type { FlagSpec, Invocation } from "../command.js";
import { given } from "./given.js";

export const networkFlags: readonly FlagSpec[] = [
  { flags: "--hostname <name>", description: "host name in the container" },
  {
    flags: "--network <mode>",
    description: "none: loopback only; host: the host's",
    choices: ["none", "host"],
    default: "none",
  },
];

export function networkOptionsOf({ flags }: Invocation): NetworkOptions {
  return {
    network: (flags.text("network") ?? "none") as NetworkOptions["network"],
    ...given("hostname", flags.text("hostname")),
  };
}
