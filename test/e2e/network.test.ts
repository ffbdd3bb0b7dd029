import { readFileSync } from "node:fs";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { leaseDirectory, readLeases } from "../../src/launch/network/leases.js";
import { pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { makeNetworkImage, type NetworkImage } from "../support/network-image.js";
import {
  endContainer,
  machineAddress,
  makeTestNetwork,
  outsideAddress,
  type TestNetwork,
} from "../support/test-network.js";
import { missing, mustRun, runTool } from "../support/tools.js";

/** The bridge, on a machine of its own: see test-network.ts. */
const needs = `${needsRealRoot}${missing("ip", "nft", "nsenter", "cc")}`;

let net: TestNetwork;
let image: NetworkImage;
let store: string;

describe.skipIf(needs !== "")(`${needs}bridge`, () => {
  beforeAll(async () => {
    image = await makeNetworkImage(["7000/tcp", "7001/udp"]);
    net = await makeTestNetwork();
    await net.start(net.outside, [image.program, "serve-tcp", "80", "outside"]);
    await net.start(net.outside, [image.program, "serve-udp", "53", "outside"]);
    await net.start(net.machine, [image.program, "serve-tcp", "81", "machine"]);
  });
  afterAll(() => {
    net.close();
    image.remove();
  });

  /** Runs a container to its end, with one store for a test. */
  function run(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
    return pullrun(["run", "-q", "--rm", "--network", "bridge", ...args], {
      root: store,
      within: net.machine,
      env,
    });
  }

  /** The supervisor's pid. */
  async function serve(args: readonly string[], command: readonly string[]): Promise<number> {
    const options = ["--root", store, "run", "-q", "--rm", "--network", "bridge", ...args, image.name];
    const child = await net.startContainer([...options, ...command]);
    onTestFinished(() => endContainer(child));
    if (child.exitCode !== null) throw new Error(`the container ended with ${child.exitCode}`);
    return child.pid ?? 0;
  }

  /** Asks from the host's side. */
  async function ask(where: "machine" | "outside", ...question: readonly string[]): Promise<string> {
    const [file = "", ...rest] = net[where];
    const { stdout, stderr } = await runTool(file, [...rest, image.program, ...question]);
    return stdout.trim() + stderr;
  }

  /** What would be left of a container. */
  async function leftovers(): Promise<unknown> {
    const elements = await net.onMachine("nft", "list", "map", "inet", "pullrun", "ports");
    const links = await net.onMachine("ip", "-o", "link", "show", "type", "veth");
    return {
      ports: /elements/.test(elements),
      veths: links.split("\n").filter((line) => line.includes("pullrun0")),
      leases: await leases(),
    };
  }
  /** Other stores of this machine, in other network namespaces, have theirs in the same place. */
  async function leases(): Promise<string[]> {
    const all = await readLeases(leaseDirectory);
    return all.filter(({ directory }) => directory.startsWith(store)).map(({ address }) => address);
  }
  const nothing = { ports: false, veths: [], leases: [] };

  test("reaches the outside by TCP and UDP under the machine's address", async () => {
    store = temporaryDirectory();
    const tcp = await run([image.name, "tcp", outsideAddress, "80"]);
    expect(tcp).toMatchObject({ status: 0, stdout: `outside sees ${machineAddress}\n` });
    const udp = await run([image.name, "udp", outsideAddress, "53"]);
    expect(udp).toMatchObject({ status: 0, stdout: `outside sees ${machineAddress}\n` });
    await expect.poll(leftovers).toEqual(nothing);
  });

  test("is the default as root", async () => {
    store = temporaryDirectory();
    const { status, stdout, stderr } = await pullrun(
      ["run", "-q", "--rm", image.name, "tcp", outsideAddress, "80"],
      { root: store, within: net.machine, env: { PULLRUN_NETWORK: "" } },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: `outside sees ${machineAddress}\n`,
      stderr: "",
    });
  });

  test("publishes a port: outside, at every address of the machine, in other containers; who asks is seen", async () => {
    store = temporaryDirectory();
    await serve(["-p", "8080:7000"], ["serve-tcp", "7000", "inside"]);
    expect(await ask("outside", "tcp", machineAddress, "8080")).toBe(`inside sees ${outsideAddress}`);
    expect(await ask("machine", "tcp", machineAddress, "8080")).toBe(`inside sees ${machineAddress}`);
    expect(await ask("machine", "tcp", "127.0.0.1", "8080")).toMatch(/^inside sees 10\.8\d\.0\.1$/);
    const other = await run([image.name, "tcp", machineAddress, "8080"]);
    expect(other.stdout).toMatch(/^inside sees 10\.8\d\.0\.1\n$/);
  });

  test("publishes UDP, ranges and at one address", async () => {
    store = temporaryDirectory();
    await serve(["-p", "127.0.0.1:5300-5301:6999-7000/udp"], ["serve-udp", "7000", "inside"]);
    expect(await ask("machine", "udp", "127.0.0.1", "5301")).toMatch(/^inside sees /);
    await serve(["-p", `${machineAddress}:5301:7000/udp`], ["serve-udp", "7000", "other"]);
    expect(await ask("outside", "udp", machineAddress, "5301")).toBe(`other sees ${outsideAddress}`);
  });

  test("publishes what the image exposes at free ports, and says where", async () => {
    store = temporaryDirectory();
    await serve(["-P", "--name", "exposed"], ["serve-tcp", "7000", "inside"]);
    const { stdout } = await pullrun(["port", "exposed"], { root: store, within: net.machine });
    const port = /^7000\/tcp -> 0\.0\.0\.0:(\d+)$/m.exec(stdout)?.[1] ?? "";
    expect(stdout).toMatch(/^7001\/udp -> 0\.0\.0\.0:\d+$/m);
    expect(await ask("outside", "tcp", machineAddress, port)).toBe(`inside sees ${outsideAddress}`);
  });

  test("a container reaches its own published port (hairpin)", async () => {
    store = temporaryDirectory();
    await serve(["--name", "server", "-p", "8080:7000"], ["serve-tcp", "7000", "inside"]);
    const { stdout } = await pullrun(
      ["run", "-q", "--rm", "--network", "container:server", image.name, "tcp", machineAddress, "8080"],
      { root: store, within: net.machine },
    );
    expect(stdout).toMatch(/^inside sees 10\./);
  });

  test("a port that somebody has is an error before anything starts, and nothing is left", async () => {
    store = temporaryDirectory();
    const taken = await run(["-p", "81:7000", image.name, "wait"]);
    expect(taken.status).toBe(125);
    expect(taken.stderr).toContain("cannot publish port: 0.0.0.0:81/tcp: Address already in use\nhint: ");
    await expect.poll(leftovers).toEqual(nothing);
    await serve(["-p", "8080:7000"], ["serve-tcp", "7000", "inside"]);
    expect((await run(["-p", "127.0.0.1:8080:7000", image.name, "wait"])).status).toBe(125);
    // The one that has it does not notice.
    expect(await ask("outside", "tcp", machineAddress, "8080")).toBe(`inside sees ${outsideAddress}`);
  });

  test("an address that is not this machine's is one error for -p, with nothing about what was to be undone", async () => {
    store = temporaryDirectory();
    const { status, stderr } = await run(["-p", "192.0.2.99:81:7000", image.name, "wait"]);
    expect(status).toBe(125);
    expect(stderr.trimEnd().split("\n")).toEqual([
      "pullrun: cannot publish port: 192.0.2.99:81/tcp: Cannot assign requested address",
      expect.stringMatching(/^hint: /),
    ]);
    await expect.poll(leftovers).toEqual(nothing);
  });

  test("nothing but published ports is reached from outside, whatever is routed here", async () => {
    store = temporaryDirectory();
    await serve(["--ip", "10.87.7.7"], ["serve-tcp", "7000", "inside"]);
    await net.start(net.outside, ["ip", "route", "replace", "10.87.0.0/16", "via", machineAddress]);
    expect(await ask("machine", "tcp", "10.87.7.7", "7000")).toMatch(/^inside sees /);
    const [file = "", ...rest] = net.outside;
    const quick = await runTool(file, [...rest, "timeout", "1", image.program, "tcp", "10.87.7.7", "7000"]);
    expect(quick.stdout).toBe("");
  });

  test("what listens on the machine's loopback stays there (CVE-2020-8558)", async () => {
    store = temporaryDirectory();
    const supervisor = await serve(["-p", "8080:7000"], ["serve-tcp", "7000", "inside"]);
    const [pid] = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, "utf8").split(" ");
    const attack = [
      "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet",
      "ip address del 127.0.0.1/8 dev lo",
      "ip route add 127.0.0.1/32 via 10.87.0.1 dev eth0",
      `exec timeout 1 ${image.program} tcp 127.0.0.1 81`,
    ];
    const inside = ["--target", pid ?? "", "--net", "sh", "-c", attack.join("; ")];
    expect((await runTool("nsenter", inside)).stdout).toBe("");
    // It is the rule that does it.
    await net.onMachine("nft", "flush chain inet pullrun guard");
    expect((await runTool("nsenter", inside)).stdout).toMatch(/^machine sees /);
    await net.onMachine("nft", "add rule inet pullrun guard iifname pullrun0 ip daddr 127.0.0.0/8 drop");
  });

  test("who is a container's neighbour is not its IPv6 router, nor the machine's (CVE-2020-10749)", async () => {
    store = temporaryDirectory();
    const supervisor = await serve([], ["wait"]);
    const [pid] = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, "utf8").split(" ");
    const neighbour = (...command: readonly string[]): Promise<string> =>
      mustRun("nsenter", ["--target", pid ?? "", "--net", ...command]);
    const routers = async (): Promise<string> =>
      (await net.onMachine("ip", "-6", "route", "show", "default")) +
      (await neighbour("ip", "-6", "route", "show", "default"));
    const attack = async (): Promise<void> => {
      expect((await run([image.name, "advertise", "eth0"])).stdout).toBe("advertised\n");
    };
    await attack();
    expect(await routers()).toBe("");
    // It is the setting that does it.
    const believe = (name: string): string[] => [
      "sh",
      "-c",
      `echo 0 >/proc/sys/net/ipv6/conf/${name}/disable_ipv6`,
    ];
    await net.onMachine(...believe("pullrun0"));
    await neighbour(...believe("eth0"));
    await attack();
    await expect.poll(routers).toMatch(/fe80::66 dev pullrun0[^]*fe80::66 dev eth0/);
    await net.onMachine("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/pullrun0/disable_ipv6");
  });

  test("what another table drops stays dropped: published ports do not open a closed machine", async () => {
    store = temporaryDirectory();
    await net.onMachine("nft", "add table inet host");
    onTestFinished(async () => {
      await net.onMachine("nft", "delete table inet host");
    });
    await net.onMachine(
      "nft",
      "add chain inet host forward { type filter hook forward priority 10; policy drop; }",
    );
    await serve(["-p", "8080:7000"], ["serve-tcp", "7000", "inside"]);
    const [file = "", ...rest] = net.outside;
    const quick = await runTool(file, [
      ...rest,
      "timeout",
      "1",
      image.program,
      "tcp",
      machineAddress,
      "8080",
    ]);
    expect(quick.stdout).toBe("");
  });

  test("rules that somebody has flushed come back with the next container, for all", async () => {
    store = temporaryDirectory();
    await serve(["-p", "8080:7000"], ["serve-tcp", "7000", "inside"]);
    await net.onMachine("nft", "flush ruleset");
    expect((await run([image.name, "tcp", outsideAddress, "80"])).status).toBe(0);
    expect(await ask("outside", "tcp", machineAddress, "8080")).toBe(`inside sees ${outsideAddress}`);
  });

  test("containers know each other by name, from whenever the other starts", async () => {
    store = temporaryDirectory();
    await serve(["--name", "first", "--network-alias", "db"], ["serve-tcp", "7000", "one"]);
    const args = ["--hostname", "second", "--domainname", "lan", "--add-host", "x:1.2.3.4"];
    const { stdout } = await run([...args, image.name, "cat", "/etc/hosts"]);
    expect(stdout).toMatch(/^10\.87\.0\.\d+\tsecond\.lan second$/m);
    expect(stdout).toMatch(/^10\.87\.0\.\d+\tfirst [0-9a-f]{12} db$/m);
    expect(stdout).toMatch(/^10\.87\.0\.1\thost\.docker\.internal host\.containers\.internal$/m);
    expect(stdout).toMatch(/^1\.2\.3\.4\tx$/m);
    await serve(["--name", "third"], ["wait"]);
    const seen = await pullrun(
      ["run", "-q", "--rm", "--network", "container:first", image.name, "cat", "/etc/hosts"],
      { root: store, within: net.machine },
    );
    expect(seen.stdout).toMatch(/^10\.87\.0\.\d+\tthird [0-9a-f]{12}$/m);
  });

  test("the machine is host-gateway, and name servers are those asked for", async () => {
    store = temporaryDirectory();
    const { stdout } = await run([image.name, "tcp", "10.87.0.1", "81"]);
    expect(stdout).toMatch(/^machine sees 10\.87\.0\.\d+\n$/);
    const args = ["--dns", "1.1.1.1", "--dns-search", "a.b", "--dns-option", "ndots:3"];
    const conf = await run([...args, image.name, "cat", "/etc/resolv.conf"]);
    expect(conf.stdout).toBe("nameserver 1.1.1.1\nsearch a.b\noptions ndots:3\n");
  });

  test("a supervisor that is killed leaves nothing that the next container does not take away", async () => {
    store = temporaryDirectory();
    const options = ["--root", store, "run", "-q", "--rm", "--network", "bridge", "-p", "8080:7000"];
    const child = await net.startContainer([...options, image.name, "serve-tcp", "7000", "killed"]);
    child.kill("SIGKILL");
    await once(child, "exit");
    await serve(["-p", "8080:7000"], ["serve-tcp", "7000", "next"]);
    expect(await ask("outside", "tcp", machineAddress, "8080")).toBe(`next sees ${outsideAddress}`);
    expect(await leases()).toHaveLength(1);
  });

  test("ten containers at once each get an address, and leave nothing", async () => {
    store = temporaryDirectory();
    await run([image.name]);
    const runs = Array.from({ length: 10 }, (_, index) =>
      run(["-p", `${9000 + index}:7000`, image.name, "tcp", outsideAddress, "80"]),
    );
    const results = await Promise.all(runs);
    expect(results.map(({ status, stdout }) => `${status} ${stdout}`)).toEqual(
      results.map(() => `0 outside sees ${machineAddress}\n`),
    );
    await expect.poll(leftovers).toEqual(nothing);
  });

  test("--dry-run takes nothing", async () => {
    store = temporaryDirectory();
    const { status, stdout } = await run(["--dry-run", "-p", "8080:7000", image.name]);
    expect(status).toBe(0);
    expect(stdout).toContain("reserve-port");
    await expect.poll(leftovers).toEqual(nothing);
  });

  test("the host's network shows no control socket of ours (CVE-2020-15257)", async () => {
    store = temporaryDirectory();
    // In the background: only there is a socket, in the network of whoever started it.
    const started = await pullrun(
      ["run", "-q", "-d", "--network", "host", "--name", "box", image.name, "wait"],
      {
        root: store,
        within: net.machine,
      },
    );
    expect(started.status).toBe(0);
    onTestFinished(async () => {
      await pullrun(["rm", "-f", "box"], { root: store, within: net.machine });
    });
    const { stdout } = await pullrun(
      ["run", "-q", "--rm", "--network", "host", image.name, "cat", "/proc/net/unix"],
      { root: store, within: net.machine },
    );
    expect(stdout).toMatch(/ \/proc\/self\/fd\/\d+\/attach$/m);
    expect(stdout.split("\n").filter((line) => line.includes("@") || line.includes(store))).toEqual([]);
  });
});
