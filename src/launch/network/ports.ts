import { isIPv4, isIPv6 } from "node:net";
import { printable } from "../../core/text.js";
import { badValue } from "../options/bad-value.js";

export type Protocol = "tcp" | "udp";

/** IPPROTO_*, as in /etc/protocols. */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };

/** A port of the container. */
export interface ContainerPort {
  readonly protocol: Protocol;
  readonly port: number;
}

/** One port of the container that the host answers at. */
export interface PublishedPort {
  readonly protocol: Protocol;
  /** `0.0.0.0` for every address of the host. */
  readonly hostIp: string;
  /** 0: any that is free. */
  readonly hostPort: number;
  readonly containerPort: number;
}

export const anyAddress = "0.0.0.0";
const publishForm = "[[IP:][HOSTPORT]:]CONTAINERPORT[/tcp|udp], such as 8080:80 or 127.0.0.1:53:53/udp";
const addressForm =
  "an IP address before the ports, such as 127.0.0.1:8080:80 or [::1]:8080:80, or none for all of this machine's";
const exposeForm = "PORT[/tcp|udp] or FIRST-LAST[/tcp|udp]";

/** Docker's `--publish`, ranges taken apart. @throws UsageError BAD_VALUE */
export function parsePublished(text: string): PublishedPort[] {
  const { rest, protocol } = splitProtocol(text);
  const { address, ports } = splitAddress(rest);
  const [containerText = "", hostText = "", ...more] = ports.split(":").reverse();
  const container = parseRange(containerText);
  const host = hostText === "" ? undefined : parseRange(hostText);
  const wrong = container === undefined || (hostText !== "" && host === undefined) || more.length > 0;
  if (address === undefined) throw badValue("--publish", printable(text, 80), addressForm);
  if (wrong || protocol === undefined) throw badValue("--publish", printable(text, 80), publishForm);
  if (host !== undefined && host.length !== container.length)
    throw badValue("--publish", printable(text, 80), "ranges of the same length");
  return container.map((containerPort, index) => ({
    protocol,
    hostIp: address,
    hostPort: host?.[index] ?? 0,
    containerPort,
  }));
}

/** `--expose`, or an image's ExposedPorts. @throws UsageError BAD_VALUE */
export function parseExposed(text: string): ContainerPort[] {
  return parseContainerPorts("--expose", text);
}

/** @throws UsageError BAD_VALUE */
export function parseContainerPorts(flag: string, text: string): ContainerPort[] {
  const { rest, protocol } = splitProtocol(text);
  const ports = parseRange(rest);
  if (ports === undefined || protocol === undefined) throw badValue(flag, printable(text, 80), exposeForm);
  return ports.map((port) => ({ protocol, port }));
}

function splitProtocol(text: string): { readonly rest: string; readonly protocol: Protocol | undefined } {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return { rest: text, protocol: "tcp" };
  const word = text.slice(slash + 1).toLowerCase();
  return { rest: text.slice(0, slash), protocol: word === "tcp" || word === "udp" ? word : undefined };
}

/** What is before the ports: an IPv4 address, or an IPv6 address in brackets. */
function splitAddress(text: string): { readonly address: string | undefined; readonly ports: string } {
  const six = /^\[(.*)\]:(.*)$/.exec(text);
  if (six !== null) return { address: isIPv6(six[1] ?? "") ? six[1] : undefined, ports: six[2] ?? "" };
  const parts = text.split(":");
  if (parts.length < 3) return { address: anyAddress, ports: text };
  const [address = "", ...ports] = parts;
  const known = address === "" ? anyAddress : isIPv4(address) ? address : undefined;
  return { address: known, ports: ports.join(":") };
}

/** All ports from `first` to `last`, of `first-last`. */
function parseRange(text: string): number[] | undefined {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  const first = Number(match?.[1] ?? 0);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last > 65_535 || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
