import { describe, expect, test } from "vitest";
import { addedHosts, parseAddHost } from "../../../src/launch/network/add-hosts.js";
import { hostsFile, withNeighbours } from "../../../src/launch/network/hosts-file.js";
import { resolvConf } from "../../../src/launch/network/resolv-conf.js";

describe("resolv.conf", () => {
  const host =
    "# made by somebody\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nsearch a b\noptions ndots:2\n";
  const stub = "nameserver 127.0.0.53\nsearch lan\n";
  const behindResolved = "nameserver 198.51.100.53\n";

  test.each([
    ["none", host, ""],
    ["host", host, host],
    ["bridge", host, "nameserver 192.0.2.53\nsearch a b\noptions ndots:2\n"],
    ["bridge", stub, "nameserver 198.51.100.53\nsearch lan\n"],
    ["pasta", host, "nameserver 192.0.2.53\nsearch a b\noptions ndots:2\n"],
    ["slirp4netns", stub, "nameserver 10.0.2.3\nsearch lan\n"],
  ] as const)("with %s from %j", (network, text, expected) => {
    expect(resolvConf({ options: { network }, host: text, behindResolved })).toBe(expected);
  });

  test("has no server for the bridge, and pasta's own for pasta, where all are on loopback", () => {
    const nothing = { host: stub, behindResolved: "" };
    expect(resolvConf({ options: { network: "bridge" }, ...nothing })).toBe("search lan\n");
    expect(resolvConf({ options: { network: "pasta" }, ...nothing })).toBe(
      "nameserver 169.254.1.1\nsearch lan\n",
    );
    const onlyIp6 = { host: "nameserver ::1\n", behindResolved: "" };
    expect(resolvConf({ options: { network: "pasta" }, ...onlyIp6 })).toBe("");
  });

  test("has what was asked for in place of the host's, each kind on its own", () => {
    const options = {
      network: "bridge",
      dns: ["1.1.1.1"],
      dnsSearch: ["."],
      dnsOptions: ["rotate"],
    } as const;
    expect(resolvConf({ options, host, behindResolved })).toBe("nameserver 1.1.1.1\noptions rotate\n");
    const search = { network: "host", dnsSearch: ["x.org"] } as const;
    expect(resolvConf({ options: search, host: stub, behindResolved })).toBe(
      "nameserver 127.0.0.53\nsearch x.org\n",
    );
  });
});

describe("/etc/hosts", () => {
  const own = { address: "10.87.0.2", names: ["web.lan", "web"] };

  test("has the container itself, what was added, and its neighbours last", () => {
    const file = hostsFile({
      base: "127.0.0.1\tlocalhost",
      own,
      added: [{ address: "1.2.3.4", names: ["db"] }],
      neighbours: [{ address: "10.87.0.3", names: ["other"] }],
    });
    expect(file.split("\n").filter((line) => !line.startsWith("#"))).toEqual([
      "127.0.0.1\tlocalhost",
      "1.2.3.4\tdb",
      "10.87.0.2\tweb.lan web",
      "10.87.0.3\tother",
      "",
    ]);
  });

  test("keeps what the container wrote when its neighbours change", () => {
    const first = withNeighbours("1.1.1.1\tone\n", [{ address: "10.87.0.3", names: ["gone"] }]);
    const second = withNeighbours(first, [{ address: "10.87.0.4", names: ["new"] }]);
    expect(second).toContain("1.1.1.1\tone\n");
    expect(second).toContain("10.87.0.4\tnew\n");
    expect(second).not.toContain("gone");
    expect(withNeighbours(second, [])).toBe("1.1.1.1\tone\n");
  });
});

describe("--add-host", () => {
  test.each([
    ["db:1.2.3.4", "1.2.3.4"],
    ["db=1.2.3.4", "1.2.3.4"],
    ["db:::1", "::1"],
    ["db:[::1]", "::1"],
    ["db:host-gateway", "10.87.0.1"],
  ])("%s", (text, address) => {
    expect(parseAddHost(text, "10.87.0.1")).toEqual({ address, names: ["db"] });
  });

  test.each(["db", "db:", ":1.2.3.4", "db:1.2.3", "d b:1.2.3.4", "db:1.2.3.4\nx:1.1.1.1"])(
    "%j is refused",
    (text) => {
      expect(() => parseAddHost(text, "10.87.0.1")).toThrow(/^--add-host: /);
    },
  );

  test("the host's names are added where nobody has said otherwise", () => {
    expect(addedHosts(["host.docker.internal:1.1.1.1"], "10.87.0.1")).toEqual([
      { address: "1.1.1.1", names: ["host.docker.internal"] },
      { address: "10.87.0.1", names: ["host.containers.internal"] },
    ]);
    expect(addedHosts([], undefined)).toEqual([]);
    expect(() => addedHosts(["x:host-gateway"], undefined)).toThrow("does not reach the host");
  });
});
