import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { encodeDetachKeys } from "../../src/helper/detach-keys.js";
import { inputPolicies } from "../../src/helper/plan.js";
import { have, missing } from "../support/tools.js";
import {
  attach,
  attached,
  detached,
  ended,
  finished,
  firstOutput,
  logged,
  logOf,
  planFor,
  statusOf,
  until,
} from "./supervised.js";
import { compileProbe, helperBuilds, temporaryDirectory } from "./support.js";

const loop = "while :; do sleep 0.01; done";
const megabytes = 20;

describe.each(helperBuilds())("a client of %s", (_, path) => {
  describe("from the start on", () => {
    test("gets both streams apart, and the exit status", async () => {
      const client = attached(path, temporaryDirectory(), "echo out; echo err >&2; exit 3");
      expect(await finished(client)).toEqual({ status: 3, stdout: "out\n", stderr: "err\n" });
    });

    test("gets 128 and the signal's number for a program that was killed", async () => {
      const client = attached(path, temporaryDirectory(), "kill -9 $$");
      expect((await finished(client)).status).toBe(137);
    });

    test.each([
      ["127 and a message for one that is not there", "exec /no/such/program", 127],
      ["126 for one that is no program", "exec /etc/passwd", 126],
    ])("gets %s", async (_name, command, status) => {
      expect((await finished(attached(path, temporaryDirectory(), command))).status).toBe(status);
    });

    test(`gets ${megabytes} MB whole, however slowly it reads`, { timeout: 60_000 }, async () => {
      const directory = temporaryDirectory();
      const command = `head -c ${megabytes * 1_000_000} /dev/urandom | tee ${directory}/copy`;
      const client = attached(path, directory, command, { logBytes: 0 });
      const hash = createHash("sha256");
      let chunks = 0;
      for await (const chunk of client.stdout as AsyncIterable<Buffer>) {
        hash.update(chunk);
        // Now and then it does something else.
        if (++chunks % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const written = readFileSync(join(directory, "copy"));
      expect(written.length).toBe(megabytes * 1_000_000);
      expect(hash.digest("hex")).toBe(createHash("sha256").update(written).digest("hex"));
    });

    test("gets it whole through a pipe that others share, and leaves that blocking", async () => {
      const directory = temporaryDirectory();
      const plan = planFor(directory, "head -c 3000000 /dev/zero | tr '\\0' x");
      const client = `{ "$0" start "$1" attached 12 signals ""; cat /proc/self/fdinfo/3 3>&1 >&2; }`;
      const reader = spawn("sh", ["-c", `${client} | { sleep 0.3; wc -c; }`, path, plan]);
      const { stdout, stderr } = await finished(reader);
      expect(stdout).toBe("3000000\n");
      // O_NONBLOCK is 04000.
      expect(stderr).toMatch(/^flags:\s+0+1$/m);
    });

    test("gives its input, megabytes of it, and the end of it", { timeout: 60_000 }, async () => {
      const client = attached(path, temporaryDirectory(), "wc -c", { input: inputPolicies.once });
      client.stdin?.end(Buffer.alloc(5_000_000, "x"));
      expect(await finished(client)).toEqual({ status: 0, stdout: "5000000\n", stderr: "" });
    });

    test("can end a program that reads none of its input", async () => {
      const client = attached(path, temporaryDirectory(), `trap 'exit 9' TERM; echo ready; ${loop}`, {
        input: inputPolicies.once,
      });
      const done = finished(client);
      client.stdin?.on("error", () => undefined);
      client.stdin?.write(Buffer.alloc(5_000_000, "x"));
      await firstOutput(client);
      client.kill("SIGTERM");
      expect((await done).status).toBe(9);
    });

    test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const)(
      "passes signals on: %s",
      async (signal) => {
        const command = `trap 'exit 9' ${signal.slice(3)}; echo ready; ${loop}`;
        const client = attached(path, temporaryDirectory(), command);
        await firstOutput(client);
        const done = finished(client);
        client.kill(signal);
        expect((await done).status).toBe(9);
      },
    );

    test("keeps SIGPIPE and SIGCHLD to itself", async () => {
      const client = attached(path, temporaryDirectory(), `trap 'exit 9' TERM; echo ready; ${loop}`);
      await firstOutput(client);
      const done = finished(client);
      client.kill("SIGPIPE");
      client.kill("SIGCHLD");
      client.kill("SIGTERM");
      expect((await done).status).toBe(9);
    });

    test("that is killed leaves the program running, and its output goes to the log", async () => {
      const directory = temporaryDirectory();
      const client = attached(
        path,
        directory,
        `echo ready; until [ -e ${directory}/go ]; do sleep 0.01; done; seq 100000`,
      );
      await firstOutput(client);
      client.kill("SIGKILL");
      writeFileSync(join(directory, "go"), "");
      await ended(directory);
      expect(statusOf(directory)["exit"]).toBe("0");
      expect(logged(logOf(directory), "stdout").endsWith("99999\n100000\n")).toBe(true);
    });

    test("that nobody reads ends, and the program goes on", async () => {
      const directory = temporaryDirectory();
      const client = attached(path, directory, "seq 100000; exit 4");
      client.stdout?.destroy();
      expect((await finished(client)).status).toBe(141);
      await ended(directory);
      expect(statusOf(directory)["exit"]).toBe("4");
    });

    test("that stops does not hold up the record of the end", async () => {
      const directory = temporaryDirectory();
      const client = attached(
        path,
        directory,
        `until [ -e ${directory}/go ]; do sleep 0.01; done; echo last; exit 5`,
      );
      await until(() => statusOf(directory)["state"] === "running");
      client.kill("SIGSTOP");
      writeFileSync(join(directory, "go"), "");
      await ended(directory);
      client.kill("SIGCONT");
      expect(await finished(client)).toEqual({ status: 5, stdout: "last\n", stderr: "" });
    });
  });

  describe("that comes later", () => {
    test("gets what comes after, like everybody else", async () => {
      const dots = "while sleep 0.01; do echo .; done & read line; { kill $!; wait $!; } 2>/dev/null";
      const directory = await detached(path, `${dots}; echo $line; exit 6`, { input: inputPolicies.open });
      const watcher = attach(path, directory);
      const watched = finished(watcher);
      await firstOutput(watcher);
      const typist = attach(path, directory, "012");
      typist.stdin?.write("words\n");
      for (const end of await Promise.all([watched, finished(typist)])) {
        expect({ ...end, stdout: end.stdout.replace(/^(\.\n)*/, "") }).toEqual({
          status: 6,
          stdout: "words\n",
          stderr: "",
        });
      }
    });

    test("may leave input open for the next", async () => {
      const command = "read a; echo got; read b; echo $a $b";
      const directory = await detached(path, command, { input: inputPolicies.open });
      const first = attach(path, directory, "012");
      first.stdin?.end("one\n");
      await until(() => logOf(directory).length > 0);
      first.kill("SIGKILL");
      await finished(first);
      const second = attach(path, directory, "012");
      second.stdin?.write("two\n");
      expect((await finished(second)).stdout).toBe("one two\n");
    });

    test("gets the status of what has ended meanwhile", async () => {
      const directory = await detached(path, "exit 8");
      await ended(directory);
      expect((await finished(attach(path, directory))).status).toBe(8);
    });

    test("is told when there is no supervisor any more", async () => {
      const directory = await detached(path, "exec sleep 1000");
      const client = attach(path, directory);
      const done = finished(client);
      process.kill(Number(statusOf(directory)["supervisor"]), "SIGKILL");
      const { status, stderr } = await done;
      expect(status).toBe(137);
      expect(stderr).toMatch(/^pullrun: the container's supervisor died/);
      const late = await finished(attach(path, directory));
      expect(late.status).toBe(137);
      writeFileSync(join(directory, "status"), "state exited\n");
    });

    test("must be the owner", async () => {
      const directory = await detached(path, "exec sleep 1000");
      expect(statSync(join(directory, "attach")).mode & 0o777).toBe(0o600);
    });
  });

  test.skipIf(!have("cc"))(
    `${missing("cc")}the supervisor survives whatever is sent to its socket`,
    async () => {
      const directory = await detached(path, "read line; echo $line; exit 7", { input: inputPolicies.open });
      const program = join(temporaryDirectory(), "hostile");
      compileProbe(hostileClient, program);
      expect(spawnSync(program, [join(directory, "attach")]).status).toBe(0);
      const client = attach(path, directory, "012");
      client.stdin?.write("still here\n");
      expect(await finished(client)).toEqual({ status: 7, stdout: "still here\n", stderr: "" });
    },
  );

  test("more clients than there is room for are turned away, and the rest is served", async () => {
    const directory = await detached(path, "read line; echo $line; exit 0", { input: inputPolicies.open });
    const many = Array.from({ length: 40 }, () => attach(path, directory));
    onTestFinished(() => many.forEach((client) => void client.kill("SIGKILL")));
    const away = new Set<number>();
    const all = many.map(async (client, index) => {
      const end = await finished(client);
      if (end.status === 125) away.add(index);
      return end;
    });
    await until(() => away.size === 8);
    expect((await all[[...away][0] as number])?.stderr).toBe(
      "pullrun: too many are attached to this container already\n",
    );
    const leaving = many.findIndex((_client, index) => !away.has(index));
    many[leaving]?.kill("SIGKILL");
    await all[leaving];
    const client = attach(path, directory, "012");
    client.stdin?.write("words\n");
    await ended(directory);
    const served = (await Promise.all(all)).filter(({ stdout }) => stdout === "words\n");
    expect(served).toHaveLength(31);
    expect(existsSync(join(directory, "attach"))).toBe(false);
  });
});

/** Sends packets of every first byte and many sizes, several connections at once, and closes at bad moments. */
const hostileClient = `
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static int join(const char *path) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}
int main(int argc, char **argv) {
  static const int sizes[] = { 0, 1, 2, 3, 8, 9, 4096, 32768, 32769, 32770, 60000 };
  static char packet[65536];
  for (int type = 0; type < 256; type++)
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      int fd = join(argv[1]);
      if (fd < 0) return 1;
      memset(packet, type * 7 + (int)i, sizeof packet);
      packet[0] = (char)type;
      /* Neither input nor signals: those are served. */
      if (type == 'I' || (type == 'K' && sizes[i] == 2)) packet[0] = 0;
      for (int n = 0; n < 3; n++) send(fd, packet, (size_t)sizes[i], MSG_NOSIGNAL | MSG_DONTWAIT);
      close(fd);
    }
  return argc != 2;
}`;

test.each([
  ["ctrl-p,ctrl-q", "1011"],
  ["", ""],
  ["a", "61"],
  ["ctrl-@,ctrl-_,ctrl-[,ctrl-\\,ctrl-],ctrl-^", "001f1b1c1d1e"],
  ["CTRL-A,Q", "0151"],
])("keys that detach: %s", (text, hex) => {
  expect(encodeDetachKeys(text)).toBe(hex);
});

test.each(["ctrl-", "ctrl-1", "ctrl-pp", "ab", "a,,b", ",", "\u0001", "é", "a,".repeat(20) + "a"])(
  "no keys: %j",
  (text) => {
    expect(() => encodeDetachKeys(text)).toThrow("--detach-keys");
  },
);
