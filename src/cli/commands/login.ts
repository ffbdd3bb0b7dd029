import { UsageError } from "../../core/errors.js";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { openPrompt, readPassword } from "../prompt.js";

export async function run(invocation: Invocation): Promise<number> {
  const registry = invocation.args[0] ?? "docker.io";
  const { username, password } = await readLogin(invocation, registry);
  const context = await contextOf(invocation, () => undefined);
  const { login } = await import("../../api/login.js");
  const result = await login(context, { registry, username, password });
  if (!result.verified)
    invocation.note(`warning: ${result.registry} asked for no login, so this one is not verified`);
  invocation.note(`logged in to ${result.registry}; kept in ${result.storedIn}`);
  return 0;
}

async function readLogin(
  { flags, signal }: Invocation,
  registry: string,
): Promise<{ username: string; password: string }> {
  const given = flags.text("username");
  if (flags.on("password-stdin")) {
    if (given !== undefined) return { username: given, password: await readPassword() };
    throw new UsageError("BAD_FLAG", "--password-stdin: no user name (expected -u NAME with it)");
  }
  const prompt = openPrompt(signal);
  try {
    const username = given ?? (await prompt.ask(`user name for ${registry}: `));
    return { username, password: await prompt.ask("password: ", { hidden: true }) };
  } finally {
    prompt.close();
  }
}
