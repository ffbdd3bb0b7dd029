import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { pullrun, pullrunPath, temporaryDirectory, withoutWarnings, type CliResult } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { makeNetworkImage, type NetworkImage } from "../support/network-image.js";
import {
  endContainer,
  machineAddress,
  makeTestNetwork,
  outsideAddress,
  type TestNetwork,
} from "../support/test-network.js";
import { missing, runTool } from "../support/tools.js";
import { ordinaryUid } from "../support/users.js";

/** Networks an ordinary user can have, on a machine of its own; root is needed to make that machine. */
const needs = `${needsRealRoot}${missing("ip", "nsenter", "setpriv", "cc")}`;
const programs = ["pasta", "slirp4netns"] as const;
const uid = ordinaryUid;

let net: TestNetwork;
let image: NetworkImage;
let tun: string;

describe.skipIf(needs !== "")(`${needs}an ordinary user's container`, () => {
  beforeAll(async () => {
    image = await makeNetworkImage();
    tun = path.join(path.dirname(image.program), "tun");
    execFileSync("mknod", [tun, "c", "10", "200"]);
    chmodSync(tun, 0o666);
    net = await makeTestNetwork();
    await net.start(net.outside, [image.program, "serve-tcp", "80", "outside"]);
    await net.start(net.outside, [image.program, "serve-udp", "53", "outside"]);
    await net.start(net.machine, [image.program, "serve-tcp", "1081", "machine"]);
    await net.start(net.machine, [image.program, "serve-udp", "53", "resolver"]);
  });
  afterAll(() => {
    net.close();
    image.remove();
  });

  /** The machine, with a /dev/net/tun that users may open, as nearly everywhere; it may resolve names at `resolver`. */
  function machine(resolver?: string): readonly string[] {
    const mounts = [`mount --bind ${tun} /dev/net/tun`];
    if (resolver !== undefined)
      mounts.push(
        "mount -t tmpfs none /mnt",
        `echo nameserver ${resolver} > /mnt/r`,
        "mount --bind /mnt/r /etc/resolv.conf",
      );
    const script = `${mounts.join(" && ")} && exec "$@"`;
    return [...net.machine, "unshare", "--mount", "sh", "-c", script, "sh"];
  }

  interface RunSettings {
    readonly root: string;
    readonly resolver?: string;
    readonly env?: Record<string, string>;
  }

  function run(args: readonly string[], { root, resolver, env = {} }: RunSettings): Promise<CliResult> {
    return pullrun(["run", "-q", "--rm", ...args], { root, uid, within: machine(resolver), env });
  }

  async function serve(root: string, args: readonly string[]): Promise<ChildProcess> {
    const user = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const command = [...user, pullrunPath, "--root", root, "run", "-q", "--rm", ...args];
    const child = await net.start(machine(), command);
    onTestFinished(() => endContainer(child));
    if (child.exitCode !== null) throw new Error(`the container ended with ${child.exitCode}`);
    return child;
  }

  async function ask(where: "machine" | "outside", ...question: readonly string[]): Promise<string> {
    const [file = "", ...rest] = net[where];
    const { stdout, stderr } = await runTool(file, [...rest, image.program, ...question]);
    return stdout.trim() + stderr;
  }

  /** Programs of that user's that are there for a container. */
  function running(): string[] {
    const lines = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
          return /^\/usr\/bin\/(pasta|passt|slirp4netns)/.test(command) ? [command] : [];
        } catch {
          return [];
        }
      });
    return lines.filter((command) => command.includes("10.0.2.100") || command.includes("--configure"));
  }

  for (const program of programs) {
    const absent = missing(program);
    describe.skipIf(absent !== "")(`${absent}with ${program}`, () => {
      const network = ["--network", program] as const;

      test("reaches the outside by TCP and UDP under the machine's address, and leaves nothing", async () => {
        const root = temporaryDirectory({ uid });
        const tcp = await run([...network, image.name, "tcp", outsideAddress, "80"], { root });
        expect({ ...tcp, stderr: withoutWarnings(tcp.stderr) }).toEqual({
          status: 0,
          stdout: `outside sees ${machineAddress}\n`,
          stderr: "",
        });
        const udp = await run([...network, image.name, "udp", outsideAddress, "53"], { root });
        expect(udp.stdout).toBe(`outside sees ${machineAddress}\n`);
        expect(readdirSync(path.join(root, "containers"))).toEqual([]);
        expect(running()).toEqual([]);
      });

      test("publishes TCP and UDP ports, at every address or one", async () => {
        const root = temporaryDirectory({ uid });
        await serve(root, [...network, "-p", "8080:7000", image.name, "serve-tcp", "7000", "inside"]);
        expect(await ask("outside", "tcp", machineAddress, "8080")).toMatch(/^inside sees /);
        expect(await ask("machine", "tcp", "127.0.0.1", "8080")).toMatch(/^inside sees /);
        await serve(root, [
          ...network,
          "-p",
          `${machineAddress}:5300:7000/udp`,
          image.name,
          "serve-udp",
          "7000",
          "u",
        ]);
        // Whatever first datagram finds the container's address not yet known is lost, as UDP goes.
        await expect
          .poll(() => ask("outside", "udp", machineAddress, "5300"), { timeout: 20_000 })
          .toMatch(/^u sees /);
      });

      test("names a port that somebody has, or that is root's, and starts nothing", async () => {
        const root = temporaryDirectory({ uid });
        const taken = await run([...network, "-p", "1081:7000", image.name, "wait"], { root });
        expect(taken.status).toBe(125);
        expect(taken.stderr).toContain("cannot publish port: 0.0.0.0:1081/tcp: Address already in use");
        const low = await run([...network, "-p", "80:7000", image.name, "wait"], { root });
        expect(low.status).toBe(125);
        expect(low.stderr).toContain("port 80: not for an ordinary user");
        expect(low.stderr).toContain("net.ipv4.ip_unprivileged_port_start");
        expect(readdirSync(path.join(root, "containers"))).toEqual([]);
        expect(running()).toEqual([]);
      });

      test("reaches the machine as host-gateway, and nothing that listens on its loopback only", async () => {
        const root = temporaryDirectory({ uid });
        const hosts = await run([...network, image.name, "cat", "/etc/hosts"], { root });
        expect(hosts.stdout).toContain(`${machineAddress}\thost.docker.internal host.containers.internal\n`);
        const gateway = await run([...network, image.name, "tcp", machineAddress, "1081"], { root });
        expect(gateway.stdout).toMatch(/^machine sees /);
        const loopback = await run([...network, image.name, "tcp", "10.0.2.2", "1081"], { root });
        expect(loopback.stdout).toBe("");
      });

      test("asks a name server that listens on the machine's loopback", async () => {
        const settings = { root: temporaryDirectory({ uid }), resolver: "127.0.0.1" };
        const conf = await run([...network, image.name, "cat", "/etc/resolv.conf"], settings);
        const [, server = ""] = /^nameserver (\S+)\n$/.exec(conf.stdout) ?? [];
        const answer = await run([...network, image.name, "udp", server, "53"], settings);
        expect(answer.stdout).toMatch(/^resolver sees 127\./);
      });

      test("ends with its supervisor, even if that is killed", async () => {
        const root = temporaryDirectory({ uid });
        const child = await serve(root, [...network, "-p", "8080:7000", image.name, "wait"]);
        expect(running()).toHaveLength(1);
        child.kill("SIGKILL");
        await once(child, "exit");
        await expect.poll(running).toEqual([]);
      });

      test("is shared by a container that asks for it, whose files go with it", async () => {
        const root = temporaryDirectory({ uid });
        await serve(root, [...network, "--name", "one", image.name, "serve-tcp", "7000", "inside"]);
        const joined = ["--network", "container:one", image.name] as const;
        expect((await run([...joined, "tcp", "127.0.0.1", "7000"], { root })).stdout).toMatch(
          /^inside sees 127/,
        );
        expect(readdirSync(path.join(root, "containers"))).toHaveLength(1);
      });
    });
  }

  test.skipIf(missing("slirp4netns") !== "")(
    `${missing("slirp4netns")}asks a name server that listens on the machine's loopback through slirp4netns by default`,
    async () => {
      const root = temporaryDirectory({ uid });
      const settings = { root, resolver: "127.0.0.53", env: { PULLRUN_NETWORK: "" } };
      const conf = await run([image.name, "cat", "/etc/resolv.conf"], settings);
      expect(conf.stdout).toBe("nameserver 10.0.2.3\n");
      const answer = await run([image.name, "udp", "10.0.2.3", "53"], settings);
      expect(answer.stdout).toMatch(/^resolver sees 127\./);
    },
  );

  test("has pasta or slirp4netns by default", async () => {
    const root = temporaryDirectory({ uid });
    const settings = { root, env: { PULLRUN_NETWORK: "" } };
    expect((await run([image.name, "tcp", outsideAddress, "80"], settings)).stdout).toBe(
      `outside sees ${machineAddress}\n`,
    );
  });

  test("has no network by default where /dev/net/tun is not for users, and one line says so", async () => {
    const root = temporaryDirectory({ uid });
    const { status, stderr } = await pullrun(["run", "-q", "--rm", image.name, "cat", "/etc/hosts"], {
      root,
      uid,
      within: [
        ...net.machine,
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount --bind /dev/null /dev/net && exec "$@" || mount -t tmpfs none /dev/net && exec "$@"',
        "sh",
      ],
      env: { PULLRUN_NETWORK: "" },
    });
    expect(status).toBe(0);
    expect(stderr.split("\n").filter((line) => line.includes("/dev/net/tun"))).toHaveLength(1);
    expect(stderr).toContain("the container has no network");
  });

  test("is removed although root's leases cannot be read, and --network bridge says that it takes root", async () => {
    const root = temporaryDirectory({ uid });
    const hidden = 'mount -t tmpfs none /run && mkdir -p -m 700 /run/pullrun/leases && exec "$@"';
    const within = [...machine(), "unshare", "--mount", "sh", "-c", hidden, "sh"];
    const network = missing("pasta") === "" ? "pasta" : "slirp4netns";
    const ended = await pullrun(
      ["run", "-q", "--network", network, "--name", "one", image.name, "cat", "/etc/hosts"],
      {
        root,
        uid,
        within,
      },
    );
    expect(ended.status).toBe(0);
    const removed = await pullrun(["rm", "one"], { root, uid, within });
    expect(removed).toEqual({ status: 0, stdout: "one\n", stderr: "" });
    const bridge = await pullrun(["run", "-q", "--network", "bridge", image.name], { root, uid, within });
    expect(bridge.status).toBe(125);
    expect(withoutWarnings(bridge.stderr)).toMatch(
      /^pullrun: network: bridge: not for an ordinary user.*\nhint: /,
    );
  });
});
