import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { busybox, busyboxWith, needsBusybox } from "../support/busybox.js";
import { pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { runInBackground } from "../support/running.js";
import { missing } from "../support/tools.js";
import { testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}`;
const needsCompiler = missing("cc");

/** Swaps two names for each other as fast as it can (renameat2, RENAME_EXCHANGE). */
const racerSource = `
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main (int argc, char **argv) {
  puts ("racing"); fflush (stdout);
  for (;;) syscall (SYS_renameat2, -100, argv[1], -100, argv[2], 2);
}`;

const built = mkdtempSync(path.join(tmpdir(), "pullrun-racer-"));
afterAll(() => rmSync(built, { recursive: true }));

async function racerImage(): Promise<string> {
  const racer = path.join(built, "racer");
  if (!existsSync(racer)) {
    execFileSync("cc", ["-static", "-O1", "-x", "c", "-", "-o", racer], { input: racerSource });
  }
  return busyboxWith([{ name: "racer", mode: 0o755, data: readFileSync(racer) }]);
}

/**
 * Starts while the race goes on, and what each mounts below the swapped name: 1000 throws of the dice, since every mount
 * point is resolved and made for itself.
 */
const rounds = 25;
const places = Array.from({ length: 40 }, (_, i) => ["--tmpfs", `/v/a/t${i}`]).flat();

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who`, ({ as }) => {
  interface Machine {
    readonly root: string;
    /** A directory of the host with a secret, which no container was given. */
    readonly secret: string;
    run(image: string, flags: readonly string[], script: string): Promise<CliResult>;
  }

  function machine(): Machine {
    const root = temporaryDirectory(as);
    const secret = temporaryDirectory(as);
    writeFileSync(path.join(secret, "secret"), "of the host");
    return {
      root,
      secret,
      run: (image, flags, script) =>
        pullrun(["run", "-q", "--rm", ...flags, image, "sh", "-c", script], { root, ...as }),
    };
  }

  /** What a container could have done to it. */
  function expectUntouched({ secret }: Machine): void {
    expect(readdirSync(secret)).toEqual(["secret"]);
    expect(readFileSync(path.join(secret, "secret"), "utf8")).toBe("of the host");
  }

  test.skipIf(needsCompiler !== "")(
    `${needsCompiler}CVE-2021-30465, CVE-2024-45310: a container that swaps a mount point of its neighbour for a link to the host`,
    async () => {
      const made = machine();
      const image = await racerImage();
      const prepare = `mkdir -p /v/a /v/keep; ln -s ../../../../../../../..${made.secret} /v/b; exec /racer /v/a /v/b`;
      await runInBackground(["-v", "shared:/v", image, "sh", "-c", prepare], {
        root: made.root,
        name: "racer",
        ...as,
      });
      for (let round = 0; round < rounds; round++) {
        const flags = [
          "-v",
          "shared:/v",
          "-v",
          "own:/v/a",
          "-v",
          `${made.secret}/none-of-it:/v/a/deep/er`,
          ...places,
        ];
        // Mounted inside the container's own root, wherever that was, or refused: never a look at the host.
        const { status, stdout } = await made.run(
          image,
          flags,
          "cat /v/a/secret /v/b/secret 2>/dev/null; true",
        );
        expect([0, 125]).toContain(status);
        expect(stdout).toBe("");
        rmSync(path.join(made.secret, "none-of-it"), { recursive: true, force: true });
        expectUntouched(made);
      }
    },
    240_000,
  );

  test.each([
    ["/proc is a link", { name: "proc", flag: "2", link: "etc" }],
    ["/proc is a file", { name: "proc", data: "" }],
    ["/sys is a link", { name: "sys", flag: "2", link: "etc" }],
  ])("CVE-2019-19921, CVE-2023-27561, CVE-2025-52881: an image whose %s does not start", async (_, entry) => {
    const image = await busyboxWith([{ name: `.wh.${entry.name}` }, entry]);
    const { status, stderr } = await machine().run(image, [], "true");
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(/cannot open the mount point for (?:proc|sysfs)/) as string,
    });
  });

  test("CVE-2019-16884, CVE-2023-28642: a mount over /proc by way of a link of the image", async () => {
    const image = await busyboxWith([
      { name: "data", flag: "2", link: "/proc" },
      { name: "deep", flag: "2", link: "proc/sys/kernel" },
    ]);
    const { run } = machine();
    for (const flags of [
      ["-v", "data:/data"],
      ["-v", "data:/deep"],
      ["--tmpfs", "/data"],
      ["--tmpfs", "/deep"],
      ["-v", "data:/data/self"],
    ]) {
      const { status, stderr } = await run(image, flags, "true");
      expect({ flags, status, stderr }).toEqual({
        flags,
        status: 125,
        stderr: expect.stringContaining("Operation not permitted") as string,
      });
    }
  });

  test("CVE-2025-31133: /dev/null of the container is a link to a kernel setting", async () => {
    const { run } = machine();
    await run(busybox, ["-v", "dev:/v"], "ln -s /proc/sys/kernel/core_pattern /v/null; touch /v/tty");
    const script =
      "cat /proc/keys /proc/timer_list; echo x > /proc/sys/kernel/core_pattern; cat /proc/kcore | head -c 9";
    const before = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
    const { stdout, stderr } = await run(busybox, ["-v", "dev:/dev"], script);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/Read-only file system/);
    expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(before);
  });

  test("CVE-2025-31133: /dev/null of a running container is a file that only its root may read", async () => {
    const { root } = machine();
    const script = "echo of root > /dev/null; chmod 600 /dev/null; exec sleep 1000";
    const flags = ["-v", "dev:/dev", busybox, "sh", "-c", script];
    await pullrun(["run", "-q", "--rm", "-v", "dev:/v", busybox, "touch", "/v/null"], { root, ...as });
    await pullrun(["run", "-q", "-d", "--name", "box", ...flags], { root, ...as });
    onTestFinished(async () => {
      await pullrun(["rm", "-f", "box"], { root, ...as });
    });
    const read = (...command: string[]): Promise<CliResult> => pullrun(["exec", ...command], { root, ...as });
    expect((await read("-i", "box", "cat", "/dev/null")).stdout).toBe("of root\n");
    const { status, stdout } = await read("-u", "1000", "box", "cat");
    expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
  });

  test("CVE-2026-41579, CVE-2026-47766: an image whose /dev is a link to a directory of the host", async () => {
    const made = machine();
    writeFileSync(path.join(made.secret, "ptmx"), "");
    for (const link of [made.secret, `../../../../../..${made.secret}`]) {
      const image = await busyboxWith([{ name: ".wh.dev" }, { name: "dev", flag: "2", link }]);
      const { stdout } = await made.run(image, [], "ls /dev/; rm -f /dev/*");
      // The container has its devices, wherever the link leads inside its root.
      expect(stdout).toMatch(/^null$/m);
      expect(readdirSync(made.secret).toSorted()).toEqual(["ptmx", "secret"]);
    }
  });

  test("CVE-2026-87766: the parent of a mount point is a link to a directory of the host", async () => {
    const made = machine();
    for (const link of [made.secret, `../../../..${made.secret}`, "/nowhere/yet"]) {
      const image = await busyboxWith([
        { name: ".wh.etc" },
        { name: "etc", flag: "2", link },
        { name: "opt", flag: "2", link },
      ]);
      const { status } = await made.run(image, ["-v", "data:/opt/x/y", "-w", "/opt/z"], "true");
      expect([0, 125]).toContain(status);
      expectUntouched(made);
    }
  });

  test("CVE-2024-23651, CVE-2024-23652, CVE-2024-23653: links to the host in what goes with a container", async () => {
    const made = machine();
    const script = `ln -s ${made.secret} /a/link; ln -s ${made.secret} /link; mkdir /a/d; ln -s ../../../../../..${made.secret} /a/d/up`;
    expect((await made.run(busybox, ["-v", "/a", "--workdir", "/w"], script)).status).toBe(0);
    expectUntouched(made);
    expect(readdirSync(path.join(made.root, "volumes"))).toEqual([]);
  });

  test("a volume that is a link to the host is not opened through it", async () => {
    const made = machine();
    await pullrun(["volume", "create", "data"], { root: made.root, ...as });
    rmSync(path.join(made.root, "volumes/data/data"), { recursive: true });
    symlinkSync(made.secret, path.join(made.root, "volumes/data/data"));
    const { status, stderr } = await made.run(busybox, ["-v", "data:/etc"], "ls /etc");
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringContaining("cannot open the volume") as string,
    });
  });

  describe("cp", () => {
    test.skipIf(needsCompiler !== "")(
      `${needsCompiler}CVE-2018-15664, CVE-2026-41567, CVE-2026-41568: a directory that is swapped for a link to the host while it is copied`,
      async () => {
        const made = machine();
        const script = `mkdir -p /box/a/inner; echo mine > /box/a/inner/secret; ln -s ${made.secret} /box/b
          cd /box; exec /racer a b`;
        await runInBackground([await racerImage(), "sh", "-c", script], {
          root: made.root,
          name: "box",
          ...as,
        });
        const cwd = temporaryDirectory(as);
        const cp = (...args: string[]): Promise<CliResult> =>
          pullrun(["cp", ...args], { root: made.root, cwd, ...as });
        writeFileSync(path.join(cwd, "in"), "into the container");
        for (let round = 0; round < rounds; round++) {
          const out = path.join(cwd, `out-${round}`);
          await cp("box:/box/a/secret", out);
          await cp("-L", "box:/box/a", `${out}-tree`);
          await cp("in", "box:/box/a/secret");
          await cp("in", "box:/box/a/");
          expectUntouched(made);
          const seen = readdirSync(cwd, { recursive: true, withFileTypes: true }).filter((entry) =>
            entry.isFile(),
          );
          for (const entry of seen) {
            expect(readFileSync(path.join(entry.parentPath, entry.name), "utf8")).not.toBe("of the host");
          }
        }
      },
      240_000,
    );

    test("CVE-2019-14271, CVE-2022-1227: nothing of the container is run for it", async () => {
      const made = machine();
      const fake = { mode: 0o755, data: "#!/bin/sh\ntouch /ran\n" };
      const tools = ["tar", "xz", "unpigz", "gzip", "zstd", "sh", "nsenter", "ps"];
      const image = await busyboxWith([
        ...tools.map((tool) => ({ ...fake, name: `usr/local/sbin/${tool}` })),
        ...tools.map((tool) => ({ ...fake, name: `lib/${tool}` })),
      ]);
      await runInBackground([image, "/bin/sleep", "1000"], { root: made.root, name: "box", ...as });
      const cwd = temporaryDirectory(as);
      mkdirSync(path.join(cwd, "t"));
      writeFileSync(path.join(cwd, "t/x"), "x");
      execFileSync("tar", ["czf", path.join(cwd, "t.tgz"), "-C", cwd, "t"]);
      const options = { root: made.root, cwd, ...as };
      const unpacked = await pullrun(["cp", "-", "box:/tmp"], {
        ...options,
        within: ["sh", "-c", 'exec "$@" < t.tgz', "sh"],
      });
      expect(unpacked.status).toBe(0);
      expect((await pullrun(["cp", "box:/tmp/t/x", "box-x"], options)).status).toBe(0);
      for (const verb of [["top"], ["stats", "--no-stream"], ["inspect"]]) {
        const { status } = await pullrun([...verb, "box"], options);
        expect({ verb, status }).toEqual({ verb, status: 0 });
      }
      const look = (): Promise<CliResult> => pullrun(["exec", "box", "/bin/ls", "/"], options);
      expect((await look()).stdout).not.toMatch(/^ran$/m);
      await pullrun(["exec", "box", "ps"], options);
      expect((await look()).stdout).toMatch(/^ran$/m);
    });

    test("CVE-2026-42306: links that a container puts where its files arrive lead nowhere", async () => {
      const made = machine();
      const script = `mkdir -p /box/d; ln -s ${made.secret} /box/d/link; echo x > /box/d/z; exec sleep 1000`;
      await runInBackground([busybox, "sh", "-c", script], { root: made.root, name: "box", ...as });
      const cwd = temporaryDirectory(as);
      const options = { root: made.root, cwd, ...as };
      await pullrun(["cp", "box:/box/d", "got"], options);
      // The link is there now; the container makes a directory of that name, with a file for the host.
      await pullrun(
        ["exec", "box", "sh", "-c", "rm /box/d/link; mkdir /box/d/link; echo bad > /box/d/link/secret"],
        options,
      );
      const again = await pullrun(["cp", "box:/box/d/.", "got"], options);
      expect(again.status).not.toBe(0);
      expectUntouched(made);
    });
  });
});
