import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { cloneFlags } from "../../src/helper/constants.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import { openHelper } from "../../src/helper/process.js";
import type { Plan, PlanStep } from "../../src/helper/plan.js";
import { missing } from "../support/tools.js";
import {
  fork,
  helperBuilds,
  isolated,
  isRoot,
  namespacesAvailable,
  shell,
  temporaryDirectory,
} from "./support.js";

const available = await namespacesAvailable();

/** A step that runs a shell command; the input is the command's. */
function command(script: string, input = "", otherwise = ""): PlanStep {
  return { kind: "program", input, otherwise, argv: ["/bin/sh", "-c", script] };
}

function daemon(script: string, log: string, ready = 1): PlanStep {
  return { kind: "daemon", ready, log, argv: ["/bin/sh", "-c", script] };
}

const created = { kind: "created" } as const;
const cleanup = { kind: "cleanup" } as const;

describe.each(helperBuilds())("%s", (_, path) => {
  const helper = openHelper(path);

  describe("a program", () => {
    test("gets its input, and no environment", async () => {
      const out = join(temporaryDirectory(), "out");
      await helper.run([command(`{ cat; env -u PWD -u _ -u OLDPWD -u SHLVL; } > ${out}`, "one\ntwo\n")], {});
      expect(readFileSync(out, "utf8")).toBe("one\ntwo\n");
    });

    test("that fails ends the plan with the first line it wrote on standard error", async () => {
      const run = helper.run([command("echo first >&2; echo second >&2; exit 3")], {});
      await expect(run).rejects.toMatchObject({
        message: "program failed: /bin/sh: first",
        info: { details: { kind: "program" } },
      });
    });

    test.each([
      ["by its status where it said nothing", "exit 3", "exit status 3"],
      ["by its signal", "kill -9 $$", "killed by signal 9"],
    ])("that fails is told %s", async (_name, script, text) => {
      await expect(helper.run([command(script)], {})).rejects.toThrow(`program failed: /bin/sh: ${text}`);
    });

    test("that is not there is told as such", async () => {
      const step: PlanStep = { kind: "program", input: "", otherwise: "", argv: ["/no/such"] };
      await expect(helper.run([step], {})).rejects.toThrow("/no/such: No such file or directory");
    });

    test("that fails with one input gets the other, and what is said then counts", async () => {
      const directory = temporaryDirectory();
      const script = `read word; echo $word >> ${directory}/log; test $word = make`;
      expect(await helper.run([command(script, "look\n", "make\n")], {})).toBe(0);
      expect(readFileSync(join(directory, "log"), "utf8")).toBe("look\nmake\n");
      const both = helper.run([command("read word; echo no $word >&2; exit 1", "look\n", "make\n")], {});
      await expect(both).rejects.toThrow("program failed: /bin/sh: no make");
    });

    test("reads and writes more than a pipe holds without getting stuck", async () => {
      const input = "x".repeat(300_000);
      await expect(helper.run([command("cat >&2; exit 1", input)], {})).rejects.toThrow("program failed");
    });

    test("inherits no descriptor but its own three", async () => {
      const out = join(temporaryDirectory(), "out");
      const steps: Plan = [
        { kind: "lock", path: join(temporaryDirectory(), "lock") },
        command(`ls /proc/self/fd > ${out}`),
      ];
      await helper.run(steps, {});
      // 3 is the directory that ls reads.
      expect(readFileSync(out, "utf8")).toBe("0\n1\n2\n3\n");
    });
  });

  describe("the created phase", () => {
    test("comes before the child's steps, knows its pid, and is over when they begin", async () => {
      const directory = temporaryDirectory();
      const plan: Plan = [
        fork,
        ...shell(`cat ${directory}/pid; test "$(cat ${directory}/pid)" = "$$ $$"`),
        created,
        command(`read pid; echo "$pid {pid}" > ${directory}/pid`, "{pid}\n"),
        cleanup,
      ];
      expect(await helper.run(plan, {})).toBe(0);
    });

    test("that fails ends the child before its first step, and the cleanup comes", async () => {
      const directory = temporaryDirectory();
      const plan: Plan = [
        fork,
        ...shell(`touch ${directory}/ran`),
        created,
        command("echo no such bridge >&2; exit 1"),
        cleanup,
        { kind: "remove-tree", path: join(directory, "cleaned") },
      ];
      writeFileSync(join(directory, "cleaned"), "");
      await expect(helper.run(plan, {})).rejects.toMatchObject({
        message: "program failed: /bin/sh: no such bridge",
        info: { details: { exitStatus: 125 } },
      });
      expect(existsSync(join(directory, "ran"))).toBe(false);
      expect(existsSync(join(directory, "cleaned"))).toBe(false);
    });

    const tools = missing("ip", "nsenter");
    test.skipIf(!available || tools !== "")(
      `${tools}needs namespaces: the child's network can be changed from outside`,
      async () => {
        const enter = `nsenter -n ${isRoot ? "" : "-U --preserve-credentials"} -t {pid}`;
        const plan: Plan = [
          isolated(cloneFlags.CLONE_NEWNET),
          ...shell("grep -q bridge7 /proc/self/net/dev && exit 5"),
          created,
          command(`PATH=/usr/sbin:/usr/bin:/sbin:/bin ${enter} ip link add bridge7 type bridge`),
          cleanup,
        ];
        expect(await helper.run(plan, {})).toBe(5);
      },
    );
  });

  describe("a daemon", () => {
    test.each([1, 3])(
      "says on descriptor %i that it is ready, and ends with the container",
      async (ready) => {
        const directory = temporaryDirectory();
        const script = `echo $$ > ${directory}/pid; echo ok >&${ready}; exec sleep 1000`;
        const plan: Plan = [
          fork,
          ...shell(`kill -0 $(cat ${directory}/pid)`),
          created,
          daemon(script, join(directory, "log"), ready),
          cleanup,
        ];
        expect(await helper.run(plan, {})).toBe(0);
        expect(isGone(readFileSync(join(directory, "pid"), "utf8").trim())).toBe(true);
      },
    );

    test("that ends instead of being ready fails with what it wrote", async () => {
      const log = join(temporaryDirectory(), "log");
      const plan: Plan = [
        fork,
        ...shell("true"),
        created,
        daemon("echo no syslog >&2; echo no tap >&2", log),
        cleanup,
      ];
      await expect(helper.run(plan, {})).rejects.toThrow("program failed: /bin/sh: no syslog;no tap");
    });

    test("dies with the supervisor, even if that is killed", async () => {
      const directory = temporaryDirectory();
      const file = join(directory, "plan");
      const script = `echo $$ > ${directory}/pid; echo ok; exec sleep 1000`;
      const plan: Plan = [
        fork,
        ...shell("echo ready; exec sleep 1000"),
        created,
        daemon(script, join(directory, "log")),
        cleanup,
      ];
      writeFileSync(file, encodePlan(plan));
      const child = spawn(path, ["run", file], { stdio: ["ignore", "pipe", "inherit"] });
      onTestFinished(() => void child.kill("SIGKILL"));
      await once(child.stdout, "data");
      child.kill("SIGKILL");
      const pid = readFileSync(join(directory, "pid"), "utf8").trim();
      while (!isGone(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
    });
  });

  describe("a request", () => {
    async function server(answer: string): Promise<{ readonly path: string; readonly asked: string[] }> {
      const socket = join(temporaryDirectory(), "socket");
      const asked: string[] = [];
      const listening: Server = createServer({ allowHalfOpen: true }, (connection) => {
        connection.on("data", (bytes) => asked.push(bytes.toString()));
        connection.on("end", () => connection.end(answer));
      });
      listening.listen(socket);
      await once(listening, "listening");
      onTestFinished(() => void listening.close());
      return { path: socket, asked };
    }

    const plan = (socket: string): Plan => [
      fork,
      { kind: "exit", code: 4 },
      created,
      { kind: "request", path: socket, request: '{"execute":"x"}', expected: '"return"' },
      cleanup,
    ];

    test("is sent whole, and an answer with the expected text is success", async () => {
      const { path: socket, asked } = await server('{"return":{}}');
      expect(await helper.run(plan(socket), {})).toBe(4);
      expect(asked.join("")).toBe('{"execute":"x"}');
    });

    test("with another answer fails with the answer", async () => {
      const { path: socket } = await server('{"error":{"desc":"in use"}}');
      await expect(helper.run(plan(socket), {})).rejects.toThrow(
        'request refused: {"error":{"desc":"in use"}}',
      );
    });
  });

  describe("a reserved port", () => {
    const reserve = (protocol: number, port: number, hold: number): PlanStep => ({
      kind: "reserve-port",
      protocol,
      address: "127.0.0.1",
      port,
      hold,
    });

    test.each([0, 1])("of TCP that somebody listens on is a failure (hold %i)", async (hold) => {
      const listening = createServer().listen(0, "127.0.0.1");
      await once(listening, "listening");
      onTestFinished(() => void listening.close());
      const { port } = listening.address() as { port: number };
      await expect(helper.run([reserve(6, port, hold)], {})).rejects.toThrow(
        `cannot publish port: 127.0.0.1:${port}/tcp: Address already in use`,
      );
    });

    test("of UDP that somebody has is a failure", async () => {
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      await once(socket, "listening");
      onTestFinished(() => void socket.close());
      const { port } = socket.address();
      await expect(helper.run([reserve(17, port, 1)], {})).rejects.toThrow(
        `cannot publish port: 127.0.0.1:${port}/udp: Address already in use`,
      );
    });

    test("is held for the container's life, or only tried", async () => {
      const probe = createServer().listen(0, "127.0.0.1");
      await once(probe, "listening");
      const { port } = probe.address() as { port: number };
      probe.close();
      const inUse = `grep -q ' 0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} ' /proc/net/tcp`;
      expect(await helper.run([reserve(6, port, 1), fork, ...shell(inUse)], {})).toBe(0);
      expect(await helper.run([reserve(6, port, 0), fork, ...shell(inUse)], {})).toBe(1);
    });

    test("is no descriptor of the container's", async () => {
      const out = join(temporaryDirectory(), "out");
      await helper.run([reserve(17, 0, 1), fork, ...shell(`ls -l /proc/$$/fd > ${out}`)], {});
      // 2 may be a socket of whoever runs the tests.
      expect(readFileSync(out, "utf8")).not.toMatch(/ (?!2)\d+ -> socket:/);
    });
  });

  test.skipIf(!available)(
    "needs namespaces: an interface gets its address, mask and default route",
    async () => {
      const out = join(temporaryDirectory(), "out");
      const plan: Plan = [
        isolated(cloneFlags.CLONE_NEWNET),
        { kind: "interface", name: "lo", address: "10.7.0.2", prefix: 16, gateway: "10.7.0.1" },
        ...shell(`cat /proc/self/net/route > ${out}`),
      ];
      await helper.run(plan, {});
      const rows = readFileSync(out, "utf8")
        .split("\n")
        .map((row) => row.split("\t"));
      expect(rows).toContainEqual(expect.arrayContaining(["lo", "00000000", "0100070A"]));
    },
  );

  // Anybody else is refused before the interface is looked for.
  test.skipIf(!isRoot)(`${isRoot ? "" : "needs root: "}an interface that is not there is told`, async () => {
    const step: PlanStep = {
      kind: "interface",
      name: "nosuch9",
      address: "10.7.0.2",
      prefix: 16,
      gateway: "",
    };
    await expect(helper.run([step], {})).rejects.toThrow(
      "cannot configure interface: nosuch9: No such device",
    );
  });
});

function isGone(pid: string): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
