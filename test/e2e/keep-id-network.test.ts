import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { busyboxWith, needsBusybox } from "../support/busybox.js";
import { pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { makeNetworkImage, type NetworkImage } from "../support/network-image.js";
import {
  machineAddress,
  makeTestNetwork,
  outsideAddress,
  type TestNetwork,
} from "../support/test-network.js";
import { missing, runTool } from "../support/tools.js";
import { ordinaryUid } from "../support/users.js";
import { visitorMounts } from "../support/visitor.js";

const needs = `${needsBusybox}${needsRealRoot}${missing("ip", "nsenter", "setpriv", "cc", "newuidmap", "pasta", "slirp4netns")}`;
const uid = ordinaryUid;

describe.skipIf(needs !== "")(`${needs}--userns keep-id`, () => {
  let net: TestNetwork;
  let tools: NetworkImage;
  let image: string;

  beforeAll(async () => {
    tools = await makeNetworkImage();
    net = await makeTestNetwork();
    image = await busyboxWith([{ name: "net", mode: 0o755, data: readFileSync(tools.program) }]);
    await net.start(net.outside, [tools.program, "serve-tcp", "80", "outside"]);
    await net.start(net.outside, [tools.program, "serve-udp", "53", "resolver"]);
  });
  afterAll(() => {
    net.close();
    tools.remove();
  });

  /** The machine as that user has it: a name, subordinate ids, /dev/net/tun, and a resolver outside. */
  function machine(): readonly string[] {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    execFileSync("mknod", ["-m", "666", path.join(directory, "tun"), "c", "10", "200"]);
    const script = [
      ...visitorMounts(directory, 65536),
      `mount --bind ${directory}/tun /dev/net/tun`,
      `echo nameserver ${outsideAddress} > ${directory}/resolv.conf`,
      `mount --bind ${directory}/resolv.conf /etc/resolv.conf`,
      'exec "$@"',
    ];
    return [...net.machine, "unshare", "--mount", "sh", "-c", script.join(" && "), "sh"];
  }

  function setUp(network: string) {
    const root = temporaryDirectory({ uid });
    const within = machine();
    const env = { PULLRUN_NETWORK: "" };
    const cli = (...args: string[]): Promise<CliResult> => pullrun(args, { root, uid, within, env });
    const kept = ["-q", "--userns", "keep-id", ...(network === "" ? [] : ["--network", network])];
    const run = (script: string, ...flags: string[]): Promise<CliResult> =>
      cli("run", "--rm", ...kept, ...flags, image, "sh", "-c", script);
    return { root, cli, kept, run };
  }

  describe.each(["pasta", "slirp4netns", ""])("with --network '%s'", (network) => {
    test("reaches the outside and its name server, as the user", async () => {
      const { run } = setUp(network);
      const server = "$(sed -n 's/^nameserver //p' /etc/resolv.conf)";
      const script = `id -u; /net tcp ${outsideAddress} 80; /net udp ${server} 53`;
      const { status, stdout, stderr } = await run(script);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(
        new RegExp(`^${uid}\noutside sees ${machineAddress}\nresolver sees ${machineAddress}\n$`),
      );
    });

    test("publishes a port of a program that is no root, and is entered, shared and ended as any", async () => {
      const { cli, kept } = setUp(network);
      const flags = ["-d", "--name", "box", "-p", "8080:80"];
      onTestFinished(async () => {
        await cli("rm", "-f", "box");
      });
      expect(await cli("run", ...kept, ...flags, image, "/net", "serve-tcp", "80", "inside")).toMatchObject({
        status: 0,
        stderr: "",
      });
      const [file = "", ...rest] = net.outside;
      const question = [...rest, tools.program, "tcp", machineAddress, "8080"];
      await expect.poll(async () => (await runTool(file, question)).stdout).toMatch(/^inside sees /);
      expect((await cli("exec", "box", "id", "-u")).stdout).toBe(`${uid}\n`);
      const joined = ["run", "--rm", "-q", "--userns", "keep-id", "--network", "container:box", image];
      expect((await cli(...joined, "/net", "tcp", "127.0.0.1", "80")).stdout).toMatch(/^inside sees 127/);
    });

    test("files it makes in a volume and a bind are the user's, and its files of the network can be read", async () => {
      const { root, run } = setUp(network);
      const bind = temporaryDirectory({ uid });
      const script =
        "touch /vol/a /bind/b; stat -c %u /vol/a /bind/b /etc/hosts /etc/resolv.conf; cat /etc/hosts";
      const { status, stdout } = await run(script, "-v", "data:/vol", "-v", `${bind}:/bind`);
      expect(status).toBe(0);
      expect(stdout.split("\n").slice(0, 4)).toEqual(Array.from({ length: 4 }, () => String(uid)));
      expect(stdout).toContain("10.0.2.100\t");
      expect(statSync(path.join(root, "volumes/data/data/a")).uid).toBe(uid);
      expect(statSync(path.join(bind, "b")).uid).toBe(uid);
    });
  });
});
