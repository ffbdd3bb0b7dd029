import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";

function fileList(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
}

test("Docker Hub out of reach: one line with host and cause, a hint, status 125, nothing in the store", async () => {
  const root = temporaryDirectory();
  // A proxy nobody listens on stands for every way not to reach the network, and keeps this test off it.
  const env = { HTTPS_PROXY: "http://127.0.0.1:9" };
  await pullrun(["images"], { root });
  const before = fileList(root);
  const { status, stdout, stderr } = await pullrun(["hello-world"], { root, env });
  const lines = stderr
    .trimEnd()
    .split("\n")
    .filter((line) => !/^(pulling|manifest of .*trying again)/.test(line));
  expect(status).toBe(125);
  expect(stdout).toBe("");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^pullrun: .*registry-1\.docker\.io.*(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|refused)/);
  expect(lines[1]).toMatch(/^hint: .*mirror.*HTTPS_PROXY.*oci:DIR.*pullrun demo/);
  expect(
    fileList(root).filter(
      (name) => !before.includes(name) && /blobs\/|ingest\/|layers\/|rootfs\/|containers\//.test(name),
    ),
  ).toEqual([]);
});
