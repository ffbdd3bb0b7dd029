import { isIP } from "node:net";
import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { badValue } from "../options/bad-value.js";
import type { HostEntry } from "./hosts-file.js";

/** What `--add-host NAME:host-gateway` stands for, unless there is no such address. */
export type HostGateway = string | undefined;

const gatewayWord = "host-gateway";
/** docker's and podman's names for the machine the container runs on. */
const hostNames = ["host.docker.internal", "host.containers.internal"];

/** `--add-host` as lines, `host.docker.internal` and its like where nobody has said otherwise. @throws UsageError */
export function addedHosts(entries: readonly string[], gateway: HostGateway): HostEntry[] {
  const added = entries.map((entry) => parseAddHost(entry, gateway));
  const given = added.flatMap(({ names }) => names);
  const own = hostNames.filter((name) => !given.includes(name));
  return [...added, ...(gateway === undefined || own.length === 0 ? [] : [{ address: gateway, names: own }])];
}

/** docker takes `NAME:IP` and `NAME=IP`, and brackets around IPv6. @throws UsageError BAD_VALUE, BAD_FLAG */
export function parseAddHost(entry: string, gateway: HostGateway): HostEntry {
  const match = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)[:=](.+)$/.exec(entry);
  const [, name = "", value = ""] = match ?? [];
  const address = /^\[(.*)\]$/.exec(value)?.[1] ?? value;
  if (match === null || (address !== gatewayWord && isIP(address) === 0))
    throw badValue("--add-host", printable(entry, 80), "NAME:IP or NAME:host-gateway");
  if (address !== gatewayWord) return { address, names: [name] };
  if (gateway !== undefined) return { address: gateway, names: [name] };
  throw new UsageError(
    "BAD_FLAG",
    `--add-host: ${printable(entry, 80)}: this network does not reach the host`,
    {
      hint: "use --network bridge as root, or pasta or slirp4netns on a machine with an address",
    },
  );
}
