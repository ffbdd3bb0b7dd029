import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Runs commands as inside docker's default sandbox (sandbox/unprivileged.c): root without CAP_SYS_ADMIN, or an
 * ordinary user, and no namespaces to be had. The command sees this machine's files and network.
 */

export interface SandboxOptions {
  /** 0, the default, is docker's default user; anything else has no capabilities at all. */
  readonly uid?: number;
  readonly cwd?: string;
  /** Instead of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Finished {
  /** Exit status; 128+n for signal n; 125 when the sandbox itself could not be set up. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const script = fileURLToPath(new URL("sandbox/run", import.meta.url));

let wrapper: string | undefined;

/** Whether {@link sandboxed} works here: needs real root (CAP_SYS_ADMIN), cc and Linux on amd64 or arm64. */
export function sandboxAvailable(): boolean {
  return spawnSync(script, ["true"], { stdio: "ignore" }).status === 0;
}

/** Runs `argv` to its end. Never rejects for a failing command. */
export async function sandboxed(argv: readonly string[], options: SandboxOptions = {}): Promise<Finished> {
  wrapper ??= spawnSync(script, ["--compile"], { encoding: "utf8" }).stdout.trim();
  const child = spawn(wrapper, [String(options.uid ?? 0), ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const closed = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 128));
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { status, stdout, stderr };
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
