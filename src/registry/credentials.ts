import { parseAuthFile, serverUrlOf, type AuthFile, type Credentials } from "./auth-file.js";
import { askCredentialHelper } from "./credential-helper.js";

export type { Credentials } from "./auth-file.js";

/**
 * Credentials for a place: a registry as named in a reference (`docker.io`, `host:5000`), with the repository where it
 * is about one (`host:5000/team/app`); undefined: go on as anonymous. Asked only once a registry has answered 401.
 * @throws AuthError BAD_AUTH_FILE, CREDENTIAL_HELPER
 */
export type CredentialLookup = (place: string, signal: AbortSignal) => Promise<Credentials | undefined>;

/** A credentials file. Its text is asked for only where credentials are. */
export interface AuthFileText {
  readonly path: string;
  readonly text: string;
}

export type AskHelper = typeof askCredentialHelper;

/**
 * Looks a registry up in the files, in order. In each a helper program, if the file names one for this registry, goes
 * before credentials in the file itself (docker's order: credHelpers, credsStore, auths). Of the keys in `auths` the one
 * that names most of the place counts (containers-auth.json(5)); helpers are asked for whole registries only.
 */
export function createCredentialLookup(
  files: readonly AuthFileText[],
  askHelper: AskHelper = askCredentialHelper,
): CredentialLookup {
  return async (place, signal) => {
    for (const { path, text } of files) {
      const found = await findIn(parseAuthFile(path, text), place, (name, server) =>
        askHelper(name, server, { signal }),
      );
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** For callers without any credentials. */
export const anonymous: CredentialLookup = () => Promise.resolve(undefined);

async function findIn(
  file: AuthFile,
  place: string,
  ask: (helper: string, serverUrl: string) => Promise<Credentials | undefined>,
): Promise<Credentials | undefined> {
  const { helper, credentials } = file.find(place);
  if (helper === undefined) return credentials;
  return (await ask(helper, serverUrlOf(place))) ?? credentials;
}
