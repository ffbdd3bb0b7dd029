import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";

export async function run(invocation: Invocation): Promise<number> {
  const registry = invocation.args[0] ?? "docker.io";
  const context = await contextOf(invocation, () => undefined);
  const { logout } = await import("../../api/login.js");
  const wasThere = await logout(context, registry);
  invocation.note(wasThere ? `logged out of ${registry}` : `no login for ${registry} to forget`);
  return 0;
}
