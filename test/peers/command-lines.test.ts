import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoLayout, pullrun } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { missing, mustRun, runTool } from "../support/peers.js";
import { podman, podmanLimits, resetPodman } from "../support/podman.js";

/**
 * The same command line given to podman and to us: the same exit status, and the same on stdout. Not in the table, because
 * there podman and docker differ and we do as docker: `-w` of a directory that is not there (docker makes it), `-u` of a name
 * nobody has (docker's status is 125), the mode of a root directory no layer brings (docker's is 755).
 */
const needs = needsRealRoot + missing("podman", "runc", "skopeo");
const images = ["probe", "entrypoint", "environment", "shell-form", "whiteouts"];

let directory: string;
let storage: string;

interface Outcome {
  readonly status: number;
  readonly stdout: readonly string[];
}

type Row = readonly [what: string, flags: readonly string[], image: string, args: readonly string[]];

const rows: readonly Row[] = [
  ["the image's own command", [], "entrypoint", []],
  ["arguments that replace CMD", [], "entrypoint", ["three"]],
  ["arguments with spaces, quotes and nothing in them", [], "probe", ["args", "a b", "'c'", "", "$d"]],
  ["the shell form of CMD", [], "shell-form", []],
  ["--entrypoint", ["--entrypoint", "/bin/sh"], "entrypoint", ["-c", "hello"]],
  ["--entrypoint with arguments of the image", ["--entrypoint", "/bin/probe"], "entrypoint", []],
  ["status 0", [], "probe", ["exit", "0"]],
  ["status 3", [], "probe", ["exit", "3"]],
  ["status 255", [], "probe", ["exit", "255"]],
  ["a command that is not there", [], "shell-form", ["/no/such/command"]],
  ["a command that is not on PATH", [], "shell-form", ["no-such-command"]],
  ["a directory as the command", [], "shell-form", ["/etc"]],
  ["a file that is not executable", [], "shell-form", ["/etc/passwd"]],
  ["the image's environment", [], "environment", []],
  [
    "-e over it, and a variable without a value",
    ["-e", "GREETING=x", "-e", "NEW=a=b", "-e", "NOT_SET"],
    "environment",
    [],
  ],
  ["the image's user and directory", [], "environment", ["id"]],
  ["the image's directory", [], "environment", ["cwd"]],
  ["-w", ["-w", "/tmp"], "probe", ["cwd"]],
  ["-u with a number", ["-u", "1234"], "probe", ["id"]],
  ["-u with two numbers", ["-u", "1234:5678"], "probe", ["id"]],
  ["-u with a name", ["-u", "ada"], "probe", ["id"]],
  ["-u with a name and a group", ["-u", "ada:0"], "probe", ["id"]],
  ["--hostname", ["--hostname", "over-there"], "probe", ["cat", "/etc/hostname"]],
  ["no terminal", [], "probe", ["tty"]],
  ["deleted files and opaque directories", [], "whiteouts", []],
  ["--read-only", ["--read-only"], "probe", ["mode", "/etc", "/etc/passwd"]],
  [
    "modes of what is mounted",
    [],
    "probe",
    ["mode", "/proc", "/sys", "/dev", "/dev/shm", "/dev/pts", "/dev/mqueue"],
  ],
  [
    "devices",
    [],
    "probe",
    ["mode", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"],
  ],
  ["links in /dev", [], "probe", ["mode", "/dev/fd", "/dev/stdin", "/dev/ptmx", "/dev/kmsg", "/dev/mem"]],
  ["-v of a file, read-only", ["-v", "FILES/note:/note:ro"], "probe", ["cat", "/note"]],
  ["-v of a directory at a new place", ["-v", "FILES:/made/for/it"], "probe", ["cat", "/made/for/it/note"]],
  ["--tmpfs", ["--tmpfs", "/scratch:mode=1750"], "probe", ["mode", "/scratch"]],
  ["an unknown flag", ["--no-such-flag"], "probe", []],
  ["a limit that is no number", ["--memory", "lots"], "probe", []],
];

describe.skipIf(needs !== "")(`${needs}the same command line, the same outcome as podman's`, () => {
  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "pullrun-peers-"));
    storage = path.join(directory, "podman");
    writeFileSync(path.join(directory, "note"), "a note\n");
    for (const image of images) {
      const place = `[overlay@${storage}/storage+${storage}/run]localhost/${image}:latest`;
      await mustRun("skopeo", [
        "--insecure-policy",
        "copy",
        "-q",
        layoutOf(image),
        `containers-storage:${place}`,
      ]);
      const { status } = await pullrun(["pull", "-q", layoutOf(image)], { root: ourRoot() });
      expect(status).toBe(0);
    }
  });
  afterAll(async () => {
    await resetPodman(storage);
    await mustRun("rm", ["-rf", directory]);
  });

  test.each(rows)("%s", async (_, flags, image, args) => {
    const filled = flags.map((flag) => flag.replace("FILES", directory));
    expect(await ours(filled, image, args)).toEqual(await theirs(filled, image, args));
  });
});

function layoutOf(image: string): string {
  return `oci:${demoLayout}:pullrun/${image}:latest`;
}

function ourRoot(): string {
  return path.join(directory, "store");
}

async function ours(flags: readonly string[], image: string, args: readonly string[]): Promise<Outcome> {
  const own = ["run", "--rm", "--network", "none", ...flags, `docker.io/pullrun/${image}`, ...args];
  return comparable(await pullrun(own, { root: ourRoot() }));
}

async function theirs(flags: readonly string[], image: string, args: readonly string[]): Promise<Outcome> {
  const words = podman(
    storage,
    "run",
    "--rm",
    "--network",
    "none",
    ...podmanLimits,
    ...flags,
    `localhost/${image}`,
  );
  const [file = "", ...rest] = [...words, ...args];
  return comparable(await runTool(file, rest));
}

/** Variables that are each engine's own, their order, and how many directories are in another are left out. */
function comparable({ status, stdout }: { readonly status: number; readonly stdout: string }): Outcome {
  const lines = stdout
    .trimEnd()
    .split("\n")
    .filter((line) => !/^(container|HOSTNAME|TERM)=/.test(line))
    .map((line) => line.replace(/ links [0-9]+$/, ""));
  const isEnvironment = lines.every((line) => /^[A-Z_]+=/.test(line));
  return { status, stdout: isEnvironment ? lines.sort() : lines };
}
