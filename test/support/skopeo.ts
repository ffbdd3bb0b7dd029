import { mustRun } from "./tools.js";

export interface SkopeoOptions {
  /** Every image of an index, not only this machine's. */
  readonly all?: boolean;
  /** `USER:PASSWORD`. */
  readonly sourceCredentials?: string;
  readonly destinationCredentials?: string;
}

/** `skopeo copy` without signatures or certificate checks; `docker://127.0.0.1:PORT/NAME:TAG`, `oci:DIR:TAG`, … */
export async function skopeoCopy(
  source: string,
  destination: string,
  options: SkopeoOptions = {},
): Promise<void> {
  const { all, sourceCredentials: from, destinationCredentials: to } = options;
  const flags = [
    ...(all ? ["--all"] : []),
    ...(from === undefined ? [] : ["--src-creds", from]),
    ...(to === undefined ? [] : ["--dest-creds", to]),
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
  ];
  // A user's own login must not help a test to pass.
  const env = { REGISTRY_AUTH_FILE: "/nonexistent/auth.json" };
  await mustRun("skopeo", ["--insecure-policy", "copy", "--quiet", ...flags, source, destination], { env });
}
