import { localhostLines } from "./network/hosts-file.js";
import type { NetworkMode } from "./options/network.js";

/** The files docker generates for a container and mounts over the image's own. */
export interface ContainerFile {
  /** File name in the container's directory on the host. */
  readonly name: string;
  /** Where the container sees it. */
  readonly target: string;
  readonly content: string;
}

export interface ContainerFilesInput {
  readonly hostname: string;
  readonly network: NetworkMode;
  /** The host's /etc/resolv.conf. */
  readonly resolvConf: string;
}

/** Their names in the container's directory, and where the container sees them. */
export const generatedFiles = [
  { name: "hosts", target: "/etc/hosts" },
  { name: "resolv.conf", target: "/etc/resolv.conf" },
  { name: "hostname", target: "/etc/hostname" },
] as const;

/**
 * As they are without a network, where no name can be resolved, and with the host's. For any other network hosts and
 * resolv.conf are written again when the container starts.
 */
export function containerFiles({ hostname, network, resolvConf }: ContainerFilesInput): ContainerFile[] {
  const contents = {
    hosts: `${localhostLines}127.0.0.1\t${hostname}\n`,
    "resolv.conf": network === "host" ? resolvConf : "",
    hostname: `${hostname}\n`,
  };
  return generatedFiles.map((file) => ({ ...file, content: contents[file.name] }));
}
