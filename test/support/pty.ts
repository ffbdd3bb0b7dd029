import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";

/** A command on a terminal of its own (pty/pty.c), and somebody who types and looks. */
export interface Pty {
  /** Of the command. */
  readonly pid: number;
  type(keys: string): void;
  resize(rows: number, columns: number): void;
  /** Everything shown so far. */
  shown(): string;
  /** Resolves once `expected` was shown, or the command has ended without. */
  until(expected: RegExp): Promise<void>;
  /** As the next command at this terminal would find it. */
  mode(): Promise<"raw" | "cooked">;
  /** The command was stopped (Ctrl-Z); resolves at once if it ever was. */
  stopped(): Promise<void>;
  ended(): Promise<PtyEnd>;
}

export interface PtyEnd {
  readonly status: number;
  readonly mode: string;
  readonly shown: string;
}

const source = path.join(import.meta.dirname, "pty/pty.c");
const program = path.join(import.meta.dirname, "../../build/pty");

/** "" where it works, else what to put before the name of a test that needs it. */
export const needsPty = compile() ? "" : "needs cc: ";

function compile(): boolean {
  const changed = statSync(source).mtimeMs;
  if ((statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0) > changed) return true;
  mkdirSync(path.dirname(program), { recursive: true });
  const temporary = `${program}.${process.pid}`;
  const built = spawnSync("cc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", temporary, source, "-lutil"]);
  if (built.status === 0) renameSync(temporary, program);
  return built.status === 0;
}

/** Starts a command at a terminal of 24 rows and 80 columns. */
export async function onPty(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Pty> {
  const child = spawn(program, ["24", "80", ...command], {
    stdio: ["pipe", "pipe", "inherit", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", TERM: "xterm", ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [input, output, , requests, answers] = child.stdio as unknown as [
    Duplex,
    Duplex,
    unknown,
    Duplex,
    Duplex,
  ];
  let text = "";
  let lines: string[] = [];
  const waiting = new Set<() => void>();
  const changed = (): void => waiting.forEach((check) => check());
  output.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    changed();
  });
  answers.setEncoding("utf8").on("data", (chunk: string) => {
    lines = (lines.join("\n") + chunk).split("\n");
    changed();
  });
  input.on("error", () => undefined);
  requests.on("error", () => undefined);

  function when<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  }
  const answer = (name: string, from = 0): string | undefined =>
    lines
      .slice(from, -1)
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1);

  return {
    pid: Number(await when(() => answer("pid"))),
    type: (keys) => void input.write(keys),
    resize: (rows, columns) => void requests.write(`size ${rows} ${columns}\n`),
    shown: () => text,
    until: (expected) =>
      when(() => (expected.test(text) || answer("exit") !== undefined ? null : undefined)) as Promise<never>,
    mode: async () => {
      const from = lines.length - 1;
      requests.write("mode\n");
      return (await when(() => answer("mode", from))) as "raw" | "cooked";
    },
    stopped: () => when(() => (lines.includes("stopped") ? null : undefined)) as Promise<never>,
    ended: async () => ({
      status: Number(await when(() => answer("exit"))),
      mode: lines.findLast((line) => line.startsWith("mode "))?.slice(5) ?? "",
      shown: text,
    }),
  };
}
