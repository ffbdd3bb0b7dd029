import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const src = path.join(import.meta.dirname, "../src");

/** Which folders each folder's files may import from. Values and types alike, but for `typesOnly`. */
const allowed: Record<string, readonly string[]> = {
  core: [],
  helper: ["core"],
  registry: ["core"],
  store: ["core", "helper"],
  launch: ["core", "helper"],
  api: ["core", "helper", "registry", "store", "launch"],
  cli: ["core", "api"],
};
const typesOnly: Record<string, readonly string[]> = {
  launch: ["store"],
  cli: ["registry", "store", "launch", "helper"],
};

/** Packages and modules that only the named files may import. */
const reserved: Record<string, readonly string[]> = {
  got: ["registry/http.ts"],
  tar: ["store/archives.ts"],
  ora: ["cli/render/spinner.ts"],
  commander: ["cli/main.ts"],
  "node:child_process": [
    "helper/child.ts",
    "helper/locks.ts",
    "helper/watch.ts",
    "registry/credential-helper.ts",
    "store/host-decompress.ts",
    "cli/commands/demo.ts",
  ],
  "node:worker_threads": ["store/pool.ts", "store/ingest-worker.ts"],
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(src, file), "utf8");
  const found: Import[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s+)?[^"';]*?from\s+"([^"]+)"/gms)) {
    found.push({ file, target: match[2]!, typeOnly: match[1] !== undefined });
  }
  for (const match of text.matchAll(/import\("([^"]+)"\)/g))
    found.push({ file, target: match[1]!, typeOnly: false });
  return found;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const imports = files.flatMap(importsOf);

test("every file under src is read by this test", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(imports.length).toBeGreaterThan(files.length);
});

test("folders import only the folders below them", () => {
  const wrong = imports.filter(({ file, target, typeOnly }) => {
    if (!target.startsWith(".") || !file.includes("/") || target.endsWith("package.json")) return false;
    const from = file.split("/")[0]!;
    const to = path.join(path.dirname(file), target).split("/")[0]!;
    const ok = from === to || allowed[from]?.includes(to) || (typeOnly && typesOnly[from]?.includes(to));
    return ok !== true;
  });
  expect(wrong).toEqual([]);
});

test("a reserved package is imported by its one file only", () => {
  const wrong = imports.filter(
    ({ file, target, typeOnly }) => !typeOnly && target in reserved && !reserved[target]!.includes(file),
  );
  expect(wrong).toEqual([]);
});

test("only src/cli/output.ts writes to stdout, and env.ts asks what it is: making it takes longer than a warm run has", () => {
  const users = files.filter((file) => /process\.stdout\b/.test(readFileSync(path.join(src, file), "utf8")));
  expect(users.filter((file) => file !== "cli/env.ts")).toEqual(["cli/output.ts"]);
});

test("JSON is printed by formatJson: a terminal acts upon characters that JSON.stringify leaves alone", () => {
  const users = files.filter((file) => {
    return file.startsWith("cli/") && /JSON\.stringify\b/.test(readFileSync(path.join(src, file), "utf8"));
  });
  // Both make a word of a text that goes through escapeText or `printable` as a whole.
  expect(users).toEqual(["cli/render/json.ts", "cli/report/sections.ts", "cli/template/lex.ts"]);
});

test("only src/cli/env.ts reads the environment", () => {
  const readers = files.filter((file) => /process\.env\b/.test(readFileSync(path.join(src, file), "utf8")));
  expect(readers).toEqual(["cli/env.ts"]);
});
