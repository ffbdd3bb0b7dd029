import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullrunPath, temporaryDirectory } from "../support/cli.js";
import { sandboxAvailable, sandboxed } from "../support/sandbox.js";
import { serveFixtures, type Served } from "../support/served.js";

/** Inside an ordinary container: root without CAP_SYS_ADMIN, namespaces and mounts denied. */
const available = sandboxAvailable();

describe.skipIf(!available)(
  `${available ? "" : "needs root with CAP_SYS_ADMIN and cc: "}inside docker's default sandbox`,
  () => {
    let served: Served;

    beforeAll(async () => {
      served = await serveFixtures();
    });
    afterAll(() => served.close());

    const run = (...args: string[]) => sandboxed([pullrunPath, ...args]);

    test("the demo runs with chroot isolation and says so", async () => {
      const { status, stdout, stderr } = await run("demo");
      expect(status).toBe(0);
      expect(stdout).toContain("Hello from pullrun!");
      expect(stderr).toMatch(/demo: .*Operation not permitted.*\n.*--isolation chroot.*not a sandbox/);
    });

    test("plain run says exactly what is missing and what to do", async () => {
      const root = temporaryDirectory();
      const { status, stderr } = await run(
        "--root",
        root,
        "run",
        "--rm",
        "-q",
        `${served.host}/pullrun/probe`,
      );
      expect(status).toBe(125);
      expect(stderr).toMatch(/^pullrun: .*namespace.*Operation not permitted.*\nhint: .*--isolation chroot/m);
    });

    test("pull, images, inspect and unpack work as anywhere", async () => {
      const root = temporaryDirectory();
      const target = `${temporaryDirectory()}/rootfs`;
      const name = `${served.host}/pullrun/whiteouts`;
      expect((await run("--root", root, "pull", "-q", name)).stdout).toContain(`${name}@sha256:`);
      expect((await run("--root", root, "images")).stdout).toContain("pullrun/whiteouts");
      expect((await run("--root", root, "inspect", name)).status).toBe(0);
      expect((await run("--root", root, "unpack", name, target)).stdout).toBe(`${target}\n`);
    });

    test("a container in chroot isolation gives its exit status, user and root, and no way to gain privileges", async () => {
      const root = temporaryDirectory();
      const chroot = ["--root", root, "run", "--rm", "-q", "--isolation", "chroot"];
      expect((await run(...chroot, `${served.host}/pullrun/probe`, "exit", "42")).status).toBe(42);
      const { stdout } = await run(...chroot, `${served.host}/pullrun/environment`, "id");
      expect(stdout).toMatch(/1000/);
    });

    test("an ordinary user there can pull and inspect, and is told that nothing can be started", async () => {
      const uid = 12345;
      const root = temporaryDirectory({ uid });
      const name = `${served.host}/pullrun/probe`;
      const asUser = (...args: string[]) => sandboxed([pullrunPath, "--root", root, ...args], { uid });
      expect((await asUser("pull", "-q", name)).status).toBe(0);
      const { status, stderr } = await asUser("run", "--rm", "-q", "--isolation", "chroot", name);
      expect(status).toBe(125);
      expect(stderr).toMatch(/not root.*\nhint: .*no container at all/);
    });
  },
);
