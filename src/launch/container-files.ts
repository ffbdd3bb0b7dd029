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
  readonly network: "none" | "host";
  /** The host's /etc/resolv.conf. */
  readonly resolvConf: string;
}

/** What docker's libnetwork writes before a container's own name. */
const hosts = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** Name resolution is the host's with the host's network, and there is none without a network. */
export function containerFiles(input: ContainerFilesInput): ContainerFile[] {
  const resolvConf = input.network === "host" ? input.resolvConf : "";
  return [
    {
      name: "hosts",
      target: "/etc/hosts",
      content: [...hosts, `127.0.0.1\t${input.hostname}`, ""].join("\n"),
    },
    { name: "resolv.conf", target: "/etc/resolv.conf", content: resolvConf },
    { name: "hostname", target: "/etc/hostname", content: `${input.hostname}\n` },
  ];
}
