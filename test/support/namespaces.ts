import { detectPrivilege } from "../../src/helper/detect-privilege.js";
import { locateHelper } from "../../src/helper/locate.js";
import { probeNamespaces } from "../../src/helper/probe.js";
import { openHelper } from "../../src/helper/process.js";

/** `""` where a container can have namespaces, else what to put before the name of a test that needs them. */
export const needsNamespaces = await missingNamespaces();

async function missingNamespaces(): Promise<string> {
  const helper = openHelper(locateHelper());
  const missing = await probeNamespaces(helper, await detectPrivilege({ helper }));
  return missing === undefined ? "" : `needs namespaces (${missing}): `;
}

/** The same for what takes root outside of any container: mounts on the host's side, devices, other users. */
export const needsRealRoot = process.getuid?.() === 0 ? needsNamespaces : "needs root: ";
