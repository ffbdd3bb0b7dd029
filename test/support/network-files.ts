import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { NetworkFiles } from "../../src/registry/endpoints.js";

/** Files of a machine's registry configuration by name (`certs.d/HOST/hosts.toml`, `registries.conf`), gone after the test. */
export function networkFiles(
  files: Readonly<Record<string, string>>,
): NetworkFiles & { readonly dir: string } {
  const dir = mkdtempSync(path.join(tmpdir(), "pullrun-network-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return {
    dir,
    certsDirs: [path.join(dir, "certs.d"), path.join(dir, "other/certs.d")],
    registriesConf: [path.join(dir, "registries.conf"), path.join(dir, "registries.conf.d")],
  };
}
