import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { formatSubnet, macOf } from "../../../src/launch/network/addresses.js";
import { bridgeSteps } from "../../../src/launch/network/bridge.js";
import { dropLease, readLeases, takeLease, type Lease } from "../../../src/launch/network/leases.js";
import { pastaSteps } from "../../../src/launch/network/pasta.js";
import { freeSubnet, parseRoutes } from "../../../src/launch/network/routes.js";
import { slirpSteps } from "../../../src/launch/network/slirp.js";
import { containerId } from "../samples.js";

const heading = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const subnet = { base: 0x0a57_0000, prefix: 16 };

describe("the bridge's network", () => {
  const way = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";

  test("is read from the routing table, whose numbers are little endian", () => {
    const [first, second] = parseRoutes(
      `${heading}${way}br0\t0000570A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n`,
    );
    expect(first).toMatchObject({ device: "eth0", prefix: 0, gateway: 0xc000_0201 });
    expect(second).toMatchObject({ device: "br0", base: 0x0a57_0000, prefix: 16 });
  });

  test.each([
    ["nothing else", "", "10.87.0.0/16"],
    ["a part of the first", "x\t0003570A\t0\t1\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", "10.86.0.0/16"],
    ["one around the first", "x\t0000540A\t0\t1\t0\t0\t0\t0000FCFF\t0\t0\t0\n", "10.83.0.0/16"],
  ])("clashes with no route: %s", (_name, routes, expected) => {
    const found = freeSubnet(parseRoutes(heading + way + routes));
    expect(found === undefined ? undefined : formatSubnet(found)).toBe(expected);
  });

  test("is not to be had where everything is routed elsewhere", () => {
    const all = "tun0\t0000000A\t0\t1\t0\t0\t0\t000000FF\t0\t0\t0\n";
    expect(freeSubnet(parseRoutes(heading + all))).toBeUndefined();
  });
});

describe("leases", () => {
  function directory(): string {
    const made = mkdtempSync(path.join(tmpdir(), "pullrun-leases-"));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return path.join(made, "leases");
  }

  const lease = (address: string, id = containerId): Lease => ({
    address,
    mac: macOf(address),
    ports: [],
    containerId: id,
    directory: "/c",
    names: ["web"],
    boot: "b",
    owner: { pid: 1, start: "1" },
  });
  const request = { subnet, wanted: undefined, taken: new Set<string>(), make: lease };

  test("are given to one only, however many ask at once", async () => {
    const at = directory();
    const ask = (_: unknown, index: number): Promise<Lease> =>
      takeLease(at, { ...request, make: (address) => lease(address, `${index}`.padStart(64, "0")) });
    const given = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(given.map(({ address }) => address)).size).toBe(20);
    expect((await readLeases(at)).length).toBe(20);
    expect(readdirSync(at).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("begin after the bridge's own address, and are free again once dropped", async () => {
    const at = directory();
    expect((await takeLease(at, request)).address).toBe("10.87.0.2");
    expect((await takeLease(at, request)).address).toBe("10.87.0.3");
    await dropLease(at, "10.87.0.2");
    expect((await takeLease(at, request)).address).toBe("10.87.0.2");
  });

  test("of one address are refused outside of the network, and when somebody has it", async () => {
    const at = directory();
    const wanted = (address: string): Promise<Lease> => takeLease(at, { ...request, wanted: address });
    expect((await wanted("10.87.3.4")).address).toBe("10.87.3.4");
    await expect(wanted("10.87.3.4")).rejects.toThrow("another container has it");
    for (const address of ["10.88.0.2", "10.87.0.0", "10.87.0.1", "10.87.255.255"])
      await expect(wanted(address)).rejects.toThrow("not for a container");
  });

  test("that are cut short, or no lease at all, are nobody's", async () => {
    const at = directory();
    await takeLease(at, request);
    writeFileSync(path.join(at, "10.87.0.9"), '{"address":');
    writeFileSync(path.join(at, "README"), "{}");
    expect((await readLeases(at)).map(({ address }) => address)).toEqual(["10.87.0.2"]);
  });
});

describe("plans", () => {
  const published = { protocol: "tcp", hostIp: "0.0.0.0", hostPort: 8080, containerPort: 80 } as const;
  const local = { protocol: "udp", hostIp: "127.0.0.1", hostPort: 53, containerPort: 53 } as const;
  const endpoint = { address: "10.87.0.2", mac: "02:50:0a:57:00:02", ports: [published, local] };
  const input = {
    containerId,
    tools: { ip: "/sbin/ip", nft: "/sbin/nft" },
    subnet,
    mtu: 1500,
    endpoint,
    everyone: [endpoint],
  };

  test("for the bridge: one ip, one nft, and of rules nothing but elements of maps", () => {
    const { created, cleanup } = bridgeSteps(input);
    expect(created.map((step) => (step.kind === "program" ? step.argv[0] : step.kind))).toEqual([
      "/sbin/ip",
      "/sbin/nft",
    ]);
    expect(created[1]).toMatchObject({
      input:
        "add element inet pullrun ports { tcp . 8080 : 10.87.0.2 . 80 }\n" +
        "add element inet pullrun addressed { 127.0.0.1 . udp . 53 : 10.87.0.2 . 53 }\n",
    });
    expect(cleanup).toMatchObject([
      {
        input:
          "delete element inet pullrun ports { tcp . 8080 }\n" +
          "delete element inet pullrun addressed { 127.0.0.1 . udp . 53 }\n",
      },
    ]);
  });

  test("for the bridge without ports: nothing to take away at the end", () => {
    const { host, cleanup } = bridgeSteps({ ...input, endpoint: { ...endpoint, ports: [] } });
    expect({ host, cleanup }).toEqual({ host: [], cleanup: [] });
  });

  const user = { program: "/usr/bin/x", containerDir: "/c", forwardDns: false };

  test("for pasta: ports are its options, and nothing of the host's loopback is shared", () => {
    const { created } = pastaSteps({ ...user, ports: [published, local] });
    const [step] = created;
    expect(step).toMatchObject({ kind: "daemon", ready: 1 });
    const words = step?.kind === "daemon" ? step.argv.join(" ") : "";
    expect(words).toContain("--tcp-ports 8080:80 ");
    expect(words).toContain("--udp-ports 127.0.0.1/53:53 ");
    expect(words).toContain("--no-map-gw");
    expect(words).toContain("--tcp-ns none --udp-ns none");
    expect(words).not.toContain("--dns-forward");
  });

  test("for slirp4netns: ports are asked for one by one when it is ready", () => {
    const { created } = slirpSteps({ ...user, ports: [published] });
    expect(created.map(({ kind }) => kind)).toEqual(["daemon", "request"]);
    expect(created[1]).toMatchObject({ path: "/c/slirp.sock", expected: '"return"' });
  });
});
