import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { explainDenial, hasCapability, statusField } from "../../src/helper/denial.js";
import { detectPrivilege } from "../../src/helper/detect-privilege.js";
import { locateHelper } from "../../src/helper/locate.js";
import { probeNamespaces } from "../../src/helper/probe.js";
import { sandboxAvailable, sandboxed } from "../support/sandbox.js";
import { missing } from "../support/tools.js";
import {
  helperPath,
  isRoot,
  namespacesAvailable,
  stranger,
  temporaryDirectory,
  testHelper,
} from "./support.js";

const available = await namespacesAvailable();
const status =
  "Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t00000000a80425fb\nSeccomp:\t2\nSeccomp_filters:\t1\n";

test("fields of /proc/self/status are found by their whole name", () => {
  expect(statusField(status, "Seccomp")).toBe("2");
  expect(statusField(status, "Cap")).toBeUndefined();
});

test.each([
  ["of docker's default set, CAP_CHOWN", 0, true],
  ["of docker's default set, CAP_SYS_ADMIN", 21, false],
  ["of docker's default set, CAP_SETFCAP", 31, true],
])("a capability is read from the effective mask: %s", (_, capability, has) => {
  expect(hasCapability(status, capability)).toBe(has);
  expect(hasCapability("", capability)).toBe(false);
});

const open = {
  unprivilegedClone: "",
  maxNamespaces: "100\n",
  apparmorRestricts: "",
  status: "Seccomp:\t0\n",
};

test.each([
  ["nothing that is known", open, "no"],
  ["Debian's sysctl", { ...open, unprivilegedClone: "0\n" }, "no (kernel.unprivileged_userns_clone is 0)"],
  ["no namespaces allowed", { ...open, maxNamespaces: "0\n" }, "no (user.max_user_namespaces is 0)"],
  [
    "Ubuntu's AppArmor",
    { ...open, apparmorRestricts: "1\n" },
    "no (kernel.apparmor_restrict_unprivileged_userns is 1)",
  ],
  ["a sandbox", { ...open, status }, "no (a seccomp filter is active: we are inside a sandbox)"],
])("what refuses namespaces is named: %s", (_, facts, text) => {
  expect(explainDenial("no", facts)).toBe(text);
});

/**
 * A script for another process: prints privilege, missing namespaces, and what `id` says in a container as 5:6 with
 * group 7.
 */
async function detectorScript(): Promise<string> {
  const directory = temporaryDirectory();
  const outfile = join(directory, "detect.mjs");
  const source = (name: string): string =>
    JSON.stringify(join(import.meta.dirname, "../../src/helper", name));
  await build({
    stdin: {
      contents: `
        import { openHelper } from ${source("process.ts")};
        import { detectPrivilege } from ${source("detect-privilege.ts")};
        import { probeNamespaces, userNamespace } from ${source("probe.ts")};
        const helper = openHelper(${JSON.stringify(helperPath())});
        const privilege = await detectPrivilege({ helper });
        console.log(JSON.stringify({ privilege, missing: await probeNamespaces(helper, privilege) }));
        if (privilege.kind === "subordinate") {
          const none = { bounding: 0n, permitted: 0n, effective: 0n, inheritable: 0n, ambient: 0n };
          await helper.run([
            { kind: "clone", ...userNamespace(privilege), cgroupProcs: [] },
            { kind: "credentials", uid: 5, gid: 6, groups: [7], ...none },
            { kind: "exec", argv: ["/usr/bin/id", "-u"] },
          ], { stdout: 1 });
          await helper.run([
            { kind: "clone", ...userNamespace(privilege), cgroupProcs: [] },
            { kind: "credentials", uid: 5, gid: 6, groups: [7], ...none },
            { kind: "exec", argv: ["/usr/bin/id", "-G"] },
          ], { stdout: 1 });
        }`,
      resolveDir: directory,
    },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "error",
  });
  chmodSync(directory, 0o755);
  return outfile;
}

describe("detection", () => {
  test("gives something that works, or says what does not", async () => {
    const helper = testHelper();
    const privilege = await detectPrivilege({ helper });
    if (privilege.kind === "confined") expect(privilege.reason).not.toBe("");
    expect((await probeNamespaces(helper, privilege)) === undefined).toBe(available);
  });

  test.skipIf(!isRoot || !available)(
    "needs root and namespaces: an ordinary user without ranges is the only user of a namespace",
    async () => {
      const identity = ["--reuid", String(stranger), "--regid", String(stranger), "--clear-groups"];
      const { stdout } = spawnSync("setpriv", [...identity, process.execPath, await detectorScript()], {
        encoding: "utf8",
      });
      const map = [{ inside: 0, outside: stranger, count: 1 }];
      expect(JSON.parse(stdout)).toEqual({ privilege: { kind: "single", uidMap: map, gidMap: map } });
    },
  );

  test.skipIf(!isRoot || !available || !existsSync("/usr/bin/newuidmap"))(
    "needs root, namespaces and newuidmap: an ordinary user with ranges has them in a namespace",
    async () => {
      // An account that exists in a mount namespace of ours only, by bind mounts over the files that list accounts.
      const directory = temporaryDirectory();
      const files = {
        passwd: `root:x:0:0::/:/bin/sh\nvisitor:x:${stranger}:${stranger}::/:/bin/sh\n`,
        subuid: "visitor:200000:1000\n",
        subgid: "visitor:300000:500\nvisitor:400000:500\n",
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
      const binds = Object.keys(files).map((name) => `mount --bind ${directory}/${name} /etc/${name}`);
      const drop = `exec setpriv --reuid ${stranger} --regid ${stranger} --clear-groups "$@"`;
      const command = [...binds, drop].join(" && ");
      const args = ["-m", "sh", "-c", command, "sh", process.execPath, await detectorScript()];
      const { stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8" });
      const [first = "", uid, groups] = stdout.trim().split("\n");
      expect(stderr).toBe("");
      expect(JSON.parse(first)).toEqual({
        privilege: {
          kind: "subordinate",
          uidMap: [
            { inside: 0, outside: stranger, count: 1 },
            { inside: 1, outside: 200_000, count: 1000 },
          ],
          gidMap: [
            { inside: 0, outside: stranger, count: 1 },
            { inside: 1, outside: 300_000, count: 500 },
            { inside: 501, outside: 400_000, count: 500 },
          ],
          newuidmap: "/usr/bin/newuidmap",
          newgidmap: "/usr/bin/newgidmap",
        },
      });
      expect([uid, groups]).toEqual(["5", "6 7"]);
    },
  );

  test.skipIf(!isRoot || !available)(
    "needs root and namespaces: root of a user namespace is not taken for the machine's",
    async () => {
      const { stdout } = spawnSync("unshare", ["-Ur", process.execPath, await detectorScript()], {
        encoding: "utf8",
      });
      const map = [{ inside: 0, outside: 0, count: 1 }];
      expect(JSON.parse(stdout)).toEqual({ privilege: { kind: "single", uidMap: map, gidMap: map } });
    },
  );

  test.skipIf(!sandboxAvailable()).each([0, stranger])(
    "needs root and cc: in docker's default sandbox uid %d is confined, with the reason",
    async (uid) => {
      const { stdout } = await sandboxed([process.execPath, await detectorScript()], { uid });
      expect(JSON.parse(stdout)).toMatchObject({
        privilege: {
          kind: "confined",
          uid,
          reason: expect.stringContaining("cannot create user namespace") as unknown,
        },
        missing: expect.stringContaining("seccomp filter") as unknown,
      });
    },
  );
});

test("the helper of this checkout is found, and one that is not built is an error with what to do", () => {
  expect(locateHelper()).toBe(helperPath());
  expect(() => locateHelper("/no/such/dist")).toThrow(
    expect.objectContaining({ code: "NO_HELPER", hint: expect.stringContaining("npm run build") as unknown }),
  );
});

const needsSetcap = missing("setcap");

describe.skipIf(!isRoot)("needs root: the helper refuses to run", () => {
  /** A copy of it that `tool` has made privileged, started by a stranger. */
  function expectRefused(tool: string, how: string): void {
    const copy = join(temporaryDirectory(), "helper");
    spawnSync("cp", [helperPath(), copy]);
    chmodSync(join(copy, ".."), 0o755);
    expect(spawnSync(tool, [how, copy]).status).toBe(0);
    const identity = ["--reuid", String(stranger), "--regid", String(stranger), "--clear-groups"];
    const { status: code, stderr } = spawnSync("setpriv", [...identity, copy, "run", "/dev/null"], {
      encoding: "utf8",
    });
    expect(stderr).toContain("refusing to run setuid");
    expect(code).toBe(125);
  }

  test.each([
    ["setuid", "4755"],
    ["setgid", "2755"],
  ])("%s (CVE-2020-5291, CVE-2023-30549, CVE-2026-41163)", (_how, mode) => {
    expectRefused("chmod", mode);
  });

  test.skipIf(needsSetcap !== "")(
    `${needsSetcap}with capabilities of its file (CVE-2020-5291, CVE-2023-30549, CVE-2026-41163)`,
    () => {
      expectRefused("setcap", "cap_net_raw+ep");
    },
  );
});
