import { readFileSync } from "node:fs";
import { generatedFiles, type ContainerFile } from "../../launch/container-files.js";
import { addedHosts, type HostGateway } from "../../launch/network/add-hosts.js";
import { hostsFile, localhostLines, type HostEntry } from "../../launch/network/hosts-file.js";
import { resolvConf } from "../../launch/network/resolv-conf.js";
import type { RunOptions } from "../../launch/run-options.js";
import type { Context } from "../context.js";

export interface NameFilesInput {
  readonly options: RunOptions;
  readonly hostname: string;
  /** The container's own. */
  readonly address: string;
  readonly hostGateway: HostGateway;
  readonly neighbours: readonly HostEntry[];
}

/** The container's /etc/hosts and /etc/resolv.conf. @throws UsageError BAD_FLAG */
export function nameFiles(context: Context, input: NameFilesInput): ContainerFile[] {
  const { options } = input;
  const servers = resolvConf({ options, ...readResolvConf() });
  if (["bridge", "pasta"].includes(options.network) && !servers.includes("nameserver")) {
    const message = "the container can resolve no names: the host's name servers are on loopback; use --dns";
    context.emit({ type: "warning", message });
  }
  const contents: Readonly<Record<string, string>> = { hosts: hosts(input), "resolv.conf": servers };
  return generatedFiles.flatMap((file) => {
    const content = contents[file.name];
    return content === undefined ? [] : [{ ...file, content }];
  });
}

/** The host's name servers: resolv.conf(5), and what systemd-resolved knows behind its own server. */
export function readResolvConf(): { readonly host: string; readonly behindResolved: string } {
  return {
    host: readText("/etc/resolv.conf"),
    behindResolved: readText("/run/systemd/resolve/resolv.conf"),
  };
}

function hosts({ options, hostname, address, hostGateway, neighbours }: NameFilesInput): string {
  const { network, domainname, addHosts = [] } = options;
  const full = domainname === undefined ? [] : [`${hostname}.${domainname}`];
  return hostsFile({
    base: network === "host" ? readText("/etc/hosts") : localhostLines,
    own: { address, names: [...full, hostname] },
    added: addedHosts(addHosts, hostGateway),
    neighbours,
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
