import { AuthError } from "../core/errors.js";
import type { Credentials } from "./auth-file.js";
import { openConnection, type ConnectionOptions } from "./connection.js";
import { findRegistry } from "./endpoints.js";
import { loginCommand } from "./hosts.js";
import { responseError } from "./response-errors.js";

export interface LoginCheck extends Omit<ConnectionOptions, "credentials"> {
  readonly registry: string;
  readonly credentials: Credentials;
  readonly insecure: boolean;
  readonly signal: AbortSignal;
}

/**
 * Shows credentials to the registry itself, never to a mirror (`GET /v2/`, distribution-spec "Determining Support"). False if it asked
 * for none, so that nothing is known about them. @throws AuthError UNAUTHORIZED; NetworkError; RegistryError
 */
export async function checkLogin(options: LoginCheck): Promise<boolean> {
  const { registry, credentials, signal } = options;
  const what = `login: ${registry}`;
  let wasAsked = false;
  const endpoint = await findRegistry(registry, options);
  const connection = openConnection(endpoint, {
    ...options,
    credentials: () => {
      wasAsked = true;
      return Promise.resolve(credentials);
    },
  });
  try {
    const response = await connection.request({ method: "GET", path: "", signal });
    if (response.status !== 200 && response.status !== 401)
      throw await responseError(what, response, "PROTOCOL");
    response.discard();
    if (response.status === 200) return wasAsked;
    throw new AuthError("UNAUTHORIZED", `${what}: user name or password refused (401)`, {
      hint: `nothing was stored; try ${loginCommand(registry)} again`,
    });
  } finally {
    connection.close();
  }
}
