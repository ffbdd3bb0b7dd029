import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { capabilityNames, cloneFlags } from "../../src/helper/constants.js";
import { hasCapability } from "../../src/helper/denial.js";
import type { EntryMeta } from "../../src/helper/entries.js";
import type { Helper } from "../../src/helper/helper.js";
import { openHelper } from "../../src/helper/process.js";
import type { Plan, PlanStep, Step } from "../../src/helper/plan.js";
import type { Privilege } from "../../src/helper/privilege.js";
import { userNamespace } from "../../src/helper/probe.js";

const helperDirectory = fileURLToPath(new URL("../../helper", import.meta.url));

export const isRoot = process.geteuid?.() === 0;
/** Root over the machine, not only over a container: may set trusted.* attributes, for one. */
export const isAdministrator =
  isRoot &&
  hasCapability(readFileSync("/proc/self/status", "utf8"), capabilityNames.indexOf("CAP_SYS_ADMIN"));
const ids = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

/** A user with no account, no privilege and no files. */
export const stranger = 12345;

const made = new Set<string>();

/** Builds what is out of date, once at a time: several test files want it at the same moment. */
function make(target: string): string {
  if (made.has(target)) return helperDirectory;
  mkdirSync(join(helperDirectory, "build"), { recursive: true });
  const lock = join(helperDirectory, "build/.make.lock");
  const built = spawnSync("flock", [lock, "make", "-s", "-C", helperDirectory, target], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(`make ${target}: ${built.stderr}`);
  made.add(target);
  return helperDirectory;
}

export function helperPath(): string {
  return join(make("all"), "build/pullrun-helper");
}

/** With address and undefined-behaviour sanitizers. */
export function sanitizedHelperPath(): string {
  return join(make("asan"), "build/pullrun-helper-asan");
}

/** For `describe.each`: as it is shipped, and with sanitizers. Each has a name and a path. */
export function helperBuilds(): readonly (readonly [name: string, path: string])[] {
  return [
    ["the helper", helperPath()],
    ["the helper with sanitizers", sanitizedHelperPath()],
  ];
}

export function testHelper(): Helper {
  return openHelper(helperPath());
}

/** Removed after the test, whoever owns what is in it. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "pullrun-helper-"));
  onTestFinished(async () => {
    await testHelper().run([{ kind: "remove-tree", path }], {});
  });
  return path;
}

/** Runs a shell in the directory, `depth` levels down by names of 255 bytes, which are made: further than a path leads. */
export function deepDown(top: string, depth: number, script: string): string {
  const name = "d".repeat(255);
  const down = `for i in $(seq ${depth}); do mkdir -p ${name}; cd -P ./${name}; done; ${script}`;
  return spawnSync("sh", ["-c", down], { cwd: top, encoding: "utf8" }).stdout;
}

/** Two names of one file, longer in that depth than PATH_MAX, and of another what a path is that is cut there. */
export const cutDepth = 15;
const cut = "a".repeat(254);
export const makeCutNames = `echo wrong > ${cut}; echo right > ${cut}1; ln ${cut}1 ${cut}2`;
export const showCutNames = `cat ${cut} ${cut}1 ${cut}2; test ${cut}1 -ef ${cut}2 && echo linked`;
export const cutNamesShown = "wrong\nright\nright\nlinked\n";

export function temporaryFile(content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), "file");
  writeFileSync(path, content);
  return path;
}

/** Fills an empty directory from an entry stream, as the root of its own files. */
export async function createEntries(
  program: string,
  target: string,
  stream: { readonly input: AsyncIterable<Uint8Array>; readonly tar: Uint8Array },
): Promise<void> {
  await openHelper(program).run(
    [
      { ...fork, ...userNamespace(ownPrivilege) },
      { kind: "root-dir", path: target },
      { kind: "create-entries", fd: 0, tars: [temporaryFile(stream.tar)] },
      { kind: "exit", code: 0 },
    ],
    { input: stream.input },
  );
}

/** What an entry has that a test does not look at: root's, and of a September evening in 2001. */
export function entryMeta(mode: number, extra: Partial<EntryMeta> = {}): EntryMeta {
  return { mode, uid: 0, gid: 0, mtime: 1_000_000_000, mtimeNs: 0, xattrs: [], ...extra };
}

type CloneStep = Extract<Step, { readonly kind: "clone" }>;

export const fork: CloneStep = {
  kind: "clone",
  flags: 0,
  uidMap: "",
  gidMap: "",
  newuidmap: "",
  newgidmap: "",
  cgroupProcs: [],
};

/** What the tests run with: root where they are, else the smallest user namespace. */
export const ownPrivilege: Privilege = isRoot
  ? { kind: "root" }
  : {
      kind: "single",
      uidMap: [{ inside: 0, outside: ids.uid, count: 1 }],
      gidMap: [{ inside: 0, outside: ids.gid, count: 1 }],
    };

/** `""`, or the front of a test's name that needs us to be root over files of our own. */
export async function needsOwnFiles(): Promise<string> {
  return isRoot || (await namespacesAvailable()) ? "" : "needs root or a user namespace: ";
}

/** Root over a mount and pid namespace of its own. */
export function isolated(extra = 0): CloneStep {
  const namespace = userNamespace(ownPrivilege);
  const flags = namespace.flags | cloneFlags.CLONE_NEWNS | cloneFlags.CLONE_NEWPID | extra;
  return { kind: "clone", ...namespace, flags, cgroupProcs: [] };
}

/** Whether {@link isolated} works here; not inside an ordinary container. */
export async function namespacesAvailable(): Promise<boolean> {
  try {
    return (
      (await testHelper().run([isolated(), { kind: "private-mounts" }, { kind: "exit", code: 7 }], {})) === 7
    );
  } catch {
    return false;
  }
}

/** Compiles a C program, statically, so that it runs in an empty root. */
export function compileProbe(source: string, output: string): void {
  const built = spawnSync("cc", ["-static", "-O1", "-Wall", "-x", "c", "-", "-o", output], {
    input: source,
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`cc: ${built.stderr}`);
}

export const shellEnvironment: PlanStep = {
  kind: "environment",
  entries: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
};

/** Runs a shell command line as the plan's program. */
export function shell(command: string): Plan {
  return [shellEnvironment, { kind: "exec", argv: ["sh", "-c", command] }];
}
