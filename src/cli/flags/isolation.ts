import type { IsolationOptions } from "../../launch/options/isolation.js";
import type { Invocation } from "../command.js";

export function isolationOptionsOf({ flags }: Invocation): IsolationOptions {
  return { isolation: (flags.text("isolation") ?? "namespaces") as IsolationOptions["isolation"] };
}
