import path from "node:path";
import { isRegistryHost } from "../core/reference.js";
import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { makeDirectories, withIoErrors } from "../store/files.js";
import type { Context } from "./context.js";

export interface LoginRequest {
  /** As in a reference: `docker.io`, `ghcr.io`, `localhost:5000`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

export interface LoginResult {
  readonly registry: string;
  /** The file, or the helper program, that keeps it now. */
  readonly storedIn: string;
  /** False if the registry asked for no login, so that nothing is known about this one. */
  readonly verified: boolean;
}

/** Shows a login to the registry and stores it only if it is accepted. @throws AuthError, NetworkError, UsageError */
export async function login(context: Context, request: LoginRequest): Promise<LoginResult> {
  const registry = registryName(request.registry);
  const { username, password } = request;
  // RFC 7617 section 2: everything after the first colon is the password.
  if (username === "" || username.includes(":"))
    throw new UsageError("BAD_VALUE", "user name: empty, or with a colon (expected neither)");
  if (password === "") throw new UsageError("BAD_VALUE", "password: empty (expected one)");
  const { checkLogin, storeLogin } = await import("../registry/index.js");
  const { signal, emit } = context;
  const verified = await checkLogin({
    ...context,
    registry,
    credentials: { kind: "password", username, password, source: "this login" },
    onRetry: (notice) => emit({ type: "retry", ...notice }),
  });
  const file = context.loginFile;
  await withIoErrors("login", file, () => makeDirectories(path.dirname(file), 0o700));
  const place = { file, registry, signal };
  return { registry, verified, storedIn: await storeLogin(place, { username, password }) };
}

/** False if there was no login to forget. @throws AuthError, UsageError */
export async function logout(context: Context, registry: string): Promise<boolean> {
  const { eraseLogin } = await import("../registry/index.js");
  const { loginFile, signal } = context;
  return eraseLogin({ file: loginFile, registry: registryName(registry), signal });
}

/** Docker's own spellings of a registry are fine; a repository is not. */
function registryName(text: string): string {
  const host = text.replace(/^https?:\/\//i, "").replace(/\/(v[12]\/?)?$/, "");
  if (["index.docker.io", "registry-1.docker.io"].includes(host)) return "docker.io";
  if (isRegistryHost(host)) return host;
  throw new UsageError(
    "BAD_REFERENCE",
    `registry: ${printable(text, 80)}: not a host (expected HOST[:PORT])`,
    {
      hint: "name the registry without a repository, for example ghcr.io or localhost:5000",
    },
  );
}
