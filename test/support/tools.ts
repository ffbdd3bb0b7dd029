import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Tools of this machine that tests use when they are there. */

export const isRoot = process.getuid?.() === 0;

/** The path of `tool`, if it is on PATH. */
export function findTool(tool: string): string | undefined {
  const paths = (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, tool));
  return paths.find(isExecutable);
}

export function have(tool: string): boolean {
  return findTool(tool) !== undefined;
}

/** `""` when all of `tools` are there, else `needs A, B: `: the front of a skipped test's name. */
export function missing(...tools: readonly string[]): string {
  const absent = tools.filter((tool) => !have(tool));
  return absent.length === 0 ? "" : `needs ${absent.join(", ")}: `;
}

export interface ToolResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a tool to its end; rejects only if it cannot be started. Output is limited to 16 MiB. */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  const env = { ...process.env, ...options.env };
  const limits = {
    maxBuffer: 16 << 20,
    encoding: "utf8",
    env,
    ...(options.cwd ? { cwd: options.cwd } : {}),
  } as const;
  return await new Promise((resolve, reject) => {
    execFile(tool, args, limits, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.code ?? 128);
      // A name instead of a number: the tool could not be started, or said too much.
      if (typeof code === "string") reject(new Error(`${tool}: ${code}`, { cause: error }));
      else resolve({ status: code, stdout, stderr });
    });
  });
}

/** Runs a tool that must succeed. @throws Error with its standard error */
export async function mustRun(
  tool: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await runTool(tool, args, options);
  if (status !== 0) throw new Error(`${tool} ${args.join(" ")}: exit status ${status}: ${stderr.trim()}`);
  return stdout;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
