import { spawn } from "node:child_process";
import * as v from "valibot";
import { AuthError, errnoOf } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { Credentials } from "./auth-file.js";
import { interruption } from "../core/interruption.js";

const defaultTimeoutMs = 10_000;
const maxOutputBytes = 1024 * 1024;
// What docker-credential-helpers prints, with exit status 1, for a registry it has nothing for.
const notFound = /credentials not found/i;

const answerSchema = v.object({ Username: v.string(), Secret: v.string() });

export interface HelperOptions {
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

/**
 * Asks `docker-credential-NAME get` (the docker-credential-helpers protocol). The server goes to its standard input and
 * the secret comes from its standard output, so neither is ever in a process list. undefined: it has none.
 * @throws AuthError CREDENTIAL_HELPER
 */
export async function askCredentialHelper(
  name: string,
  serverUrl: string,
  options: HelperOptions,
): Promise<Credentials | undefined> {
  const output = await call({ name, verb: "get", input: `${serverUrl}\n` }, options);
  if (output === undefined) return undefined;
  const program = programOf(name);
  const answer = v.safeParse(answerSchema, parseJson(output));
  if (!answer.success) throw failed(program, "answer is not the expected JSON");
  const { Username: username, Secret: secret } = answer.output;
  if (username === "<token>") return { kind: "identity-token", token: secret, source: program };
  return username === "" ? undefined : { kind: "password", username, password: secret, source: program };
}

/** `docker-credential-NAME store`. @throws AuthError CREDENTIAL_HELPER */
export async function storeWithHelper(
  name: string,
  login: { readonly server: string; readonly username: string; readonly password: string },
  options: HelperOptions,
): Promise<void> {
  const { server, username, password } = login;
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: password });
  await call({ name, verb: "store", input }, options);
}

/** `docker-credential-NAME erase`; false if it had nothing. @throws AuthError CREDENTIAL_HELPER */
export async function eraseWithHelper(
  name: string,
  serverUrl: string,
  options: HelperOptions,
): Promise<boolean> {
  return (await call({ name, verb: "erase", input: `${serverUrl}\n` }, options)) !== undefined;
}

interface Call {
  readonly name: string;
  readonly verb: "get" | "store" | "erase";
  readonly input: string;
}

function programOf(name: string): string {
  // The name becomes part of a program's name; a slash would let the file choose any program.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw failed(name, "not a helper name");
  return `docker-credential-${name}`;
}

/** What the helper says, or undefined if it has nothing for this server. */
async function call(request: Call, options: HelperOptions): Promise<string | undefined> {
  const program = programOf(request.name);
  const { status, output } = await run(program, request, options);
  if (status === 0) return output;
  if (request.verb !== "store" && notFound.test(output)) return undefined;
  const seconds = (options.timeoutMs ?? defaultTimeoutMs) / 1000;
  throw failed(program, status === null ? `killed, or no answer in ${seconds} s` : `exit status ${status}`);
}

function run(program: string, { verb, input }: Call, options: HelperOptions): Promise<Outcome> {
  const { signal, timeoutMs: timeout = defaultTimeoutMs } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [verb], {
      stdio: ["pipe", "pipe", "ignore"],
      timeout,
      killSignal: "SIGKILL",
      signal,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.on("error", (error) => {
      if (signal.aborted) reject(interruption(signal));
      else reject(failed(program, errnoOf(error) === "ENOENT" ? "not installed" : error.message));
    });
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxOutputBytes) child.kill("SIGKILL");
      else chunks.push(chunk);
    });
    // Once killed, a grandchild may still hold the pipe open: do not wait for its end.
    child.on("exit", (status) => status === null && child.stdout.destroy());
    child.on("close", (status) => resolve({ status, output: Buffer.concat(chunks).toString("utf8") }));
    // A helper that ends without reading its input closes the pipe under us; its exit status tells the story.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failed(program: string, problem: string): AuthError {
  return new AuthError(
    "CREDENTIAL_HELPER",
    `credential helper: ${printable(program, 80)}: ${printable(problem)}`,
    {
      hint: "install the helper, or take it out of credsStore/credHelpers in docker's config.json",
    },
  );
}
