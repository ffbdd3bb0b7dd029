import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { release, userInfo } from "node:os";
import path from "node:path";
import { PullrunError } from "../../core/errors.js";
import { findProgram } from "../../helper/find-program.js";
import type { Privilege } from "../../helper/privilege.js";
import { probeNamespaces } from "../../helper/probe.js";
import { readCgroupHost } from "../../launch/cgroup-host.js";
import type { Hierarchy } from "../../launch/cgroup-hierarchies.js";
import type { Context } from "../context.js";

/** What `doctor` judges by; tests have their own. */
export interface MachineFacts {
  readonly uid: number;
  readonly user: string;
  /** `uname -r`. */
  readonly kernel: string;
  /** Why the helper cannot be used, if it cannot. */
  readonly helperProblem?: string;
  readonly privilege: Privilege;
  /** What of a container's namespaces fails, if anything does. */
  readonly namespaceProblem?: string;
  /** Text of files below /proc/sys; "" where the kernel has no such file. */
  readonly settings: Readonly<Record<SettingFile, string>>;
  /** /proc/filesystems. */
  readonly filesystems: readonly string[];
  /** With the controllers that are there for us, v2's too. */
  readonly hierarchies: readonly (Pick<Hierarchy, "version" | "controllers" | "own"> & {
    readonly writable: boolean;
  })[];
  /** Absolute path by name, for those that are installed. */
  readonly programs: Readonly<Partial<Record<ProgramName, string>>>;
  readonly store: StoreFacts;
}

export interface StoreFacts {
  readonly path: string;
  readonly images: number;
  /** It cannot be opened; undefined also where there is none yet. */
  readonly problem?: string;
  /** Bytes on its filesystem that we may still use. */
  readonly free?: number;
}

export const settingFiles = {
  maxNamespaces: "user/max_user_namespaces",
  unprivilegedClone: "kernel/unprivileged_userns_clone",
  apparmorRestricts: "kernel/apparmor_restrict_unprivileged_userns",
} as const;
type SettingFile = keyof typeof settingFiles;

export const programNames = ["newuidmap", "newgidmap", "nft", "ip", "pasta", "slirp4netns"] as const;
export type ProgramName = (typeof programNames)[number];

const noHelper: Privilege = {
  kind: "confined",
  uid: process.getuid?.() ?? 0,
  reason: "the helper cannot be used",
};

export async function gatherFacts(context: Context): Promise<MachineFacts> {
  const helper = await context.helper().catch((error: unknown) => failureOf(error));
  const works = typeof helper !== "string";
  const privilege = works ? await context.privilege() : noHelper;
  const problem = works ? await probeNamespaces(helper, privilege, context.signal) : undefined;
  return {
    uid: process.getuid?.() ?? 0,
    user: userName(),
    kernel: release(),
    ...(works ? {} : { helperProblem: helper }),
    privilege,
    ...(problem === undefined ? {} : { namespaceProblem: problem }),
    settings: settingTexts(),
    filesystems: readText("/proc/filesystems")
      .split("\n")
      .map((line) => line.split("\t")[1] ?? ""),
    hierarchies: hierarchyFacts(),
    programs: programPaths(),
    store: await storeFacts(context),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 0);
  }
}

function settingTexts(): MachineFacts["settings"] {
  const entries = Object.entries(settingFiles).map(([key, file]) => [
    key,
    readText(`/proc/sys/${file}`).trim(),
  ]);
  return Object.fromEntries(entries) as MachineFacts["settings"];
}

function programPaths(): MachineFacts["programs"] {
  return Object.fromEntries(
    programNames.flatMap((name) => {
      const found = findProgram(name);
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

function hierarchyFacts(): MachineFacts["hierarchies"] {
  const host = readCgroupHost();
  return host.hierarchies.map(({ version, controllers, own }) => {
    const listed = version === 1 ? controllers : (host.read(`${own}/cgroup.controllers`) ?? "").split(/\s+/);
    const writable = host.writable(own) && (version === 1 || host.writable(`${own}/cgroup.procs`));
    return { version, own, writable, controllers: listed.filter((name) => name !== "") };
  });
}

async function storeFacts(context: Context): Promise<StoreFacts> {
  const free = await freeBytes(context.root);
  const base = { path: context.root, ...(free === undefined ? {} : { free }) };
  try {
    const store = await context.store({ create: false });
    return { ...base, images: (await store.images()).length };
  } catch (error) {
    if (error instanceof PullrunError && error.code === "NOT_FOUND") return { ...base, images: 0 };
    return { ...base, images: 0, problem: failureOf(error) };
  }
}

/** Of the directory, or the nearest one above it that is there. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    const parent = path.dirname(directory);
    return parent === directory ? undefined : freeBytes(parent);
  }
}

function failureOf(error: unknown): string {
  if (error instanceof PullrunError) return error.message;
  throw error;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
