import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { mountFlags } from "../../src/helper/constants.js";
import type { PlanStep } from "../../src/helper/plan.js";
import { compileProbe, isolated, namespacesAvailable, temporaryDirectory, testHelper } from "./support.js";

const needs = (await namespacesAvailable()) ? "" : "needs namespaces: ";

/** Swaps two names for each other as fast as it can (renameat2, RENAME_EXCHANGE). */
const racerSource = String.raw`
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main (int argc, char **argv) {
  puts ("racing"); fflush (stdout);
  for (;;) syscall (SYS_renameat2, -100, argv[1], -100, argv[2], 2);
}`;

/** As often as opencontainers/runc tried its own: mounts in one plan, where a container each would take minutes. */
const tries = 2000;

describe.skipIf(needs !== "")(
  `${needs}a mount point that is swapped for a link to the host ${tries} times`,
  () => {
    let racer: ChildProcess | undefined;
    afterEach(() => racer?.kill("SIGKILL"));

    /** A root whose `/v/a` changes places with a link that leads to a directory beside the root. */
    async function race(): Promise<{ root: string; outside: string }> {
      const directory = temporaryDirectory();
      const [root, outside, probe] = ["root", "outside", "racer"].map((name) => join(directory, name));
      if (root === undefined || outside === undefined || probe === undefined) throw new Error("no paths");
      mkdirSync(join(root, "v/a"), { recursive: true });
      mkdirSync(outside);
      writeFileSync(join(outside, "canary"), "alive");
      symlinkSync(`../../${"../".repeat(8)}${outside}`, join(root, "v/b"));
      compileProbe(racerSource, probe);
      const started = spawn(probe, [join(root, "v/a"), join(root, "v/b")], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      racer = started;
      await new Promise((resolve) => started.stdout.once("data", resolve));
      return { root, outside };
    }

    test.each([
      // Of a name that is there outside as well: nothing can be mounted on what is not.
      ["bind", (): PlanStep => ({ kind: "bind", source: "/dev/null", target: "/v/a/canary", flags: 0 })],
      ["mkdir", (): PlanStep => ({ kind: "mkdir", target: "/v/a/x/y", mode: 0o755, uid: 0, gid: 0 })],
      [
        "file",
        (): PlanStep => ({ kind: "file", target: "/v/a/hosts", mode: 0o644, data: "of the container" }),
      ],
      ["symlink", (): PlanStep => ({ kind: "symlink", text: "x", target: "/v/a/link" })],
      [
        "tmpfs",
        (): PlanStep => ({
          kind: "mount",
          fstype: "tmpfs",
          source: "tmpfs",
          target: "/v/a",
          flags: mountFlags.MS_NOSUID,
          data: "",
        }),
      ],
    ])(
      "CVE-2021-30465, CVE-2024-45310, CVE-2026-87766: nothing is mounted or made there by %s",
      async (_, step) => {
        const { root, outside } = await race();
        const steps = Array.from({ length: tries }, (): PlanStep => ({ ...step(), optional: true }));
        const chunks: Buffer[] = [];
        await testHelper().run(
          [
            isolated(),
            { kind: "private-mounts" },
            { kind: "root-bind", path: root },
            ...steps,
            // Not from inside the root: there nothing beside it would show.
            { kind: "environment", entries: ["PATH=/usr/bin:/bin"] },
            { kind: "exec", argv: ["cat", "/proc/self/mountinfo"] },
          ],
          {
            output: async (bytes) => {
              for await (const chunk of bytes) chunks.push(chunk);
            },
          },
        );
        const points = Buffer.concat(chunks)
          .toString()
          .split("\n")
          .map((line) => line.split(" ")[4] ?? "");
        expect(points).toContain(root);
        expect(points.filter((point) => point.startsWith(outside))).toEqual([]);
        expect(readdirSync(outside)).toEqual(["canary"]);
        expect(readFileSync(join(outside, "canary"), "utf8")).toBe("alive");
      },
      120_000,
    );
  },
);
