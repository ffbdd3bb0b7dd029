import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { isRoot, missing } from "../support/tools.js";

const needs = needsNamespaces + missing("unshare");
/** No interface but a loopback that is down: no network at all, on every machine. */
const offline = isRoot ? ["unshare", "--net"] : ["unshare", "--map-root-user", "--net"];

function fileList(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
}

test.skipIf(needs !== "")(
  `${needs}Docker Hub out of reach: one line with host and cause, a hint, status 125, the store unchanged`,
  async () => {
    const root = temporaryDirectory();
    await pullrun(["rmi", "nothing"], { root });
    await pullrun(["pull", "oci:/nonexistent"], { root });
    const before = fileList(root);
    const { status, stdout, stderr } = await pullrun(["hello-world"], { root, within: offline });
    const lines = stderr.trimEnd().split("\n");
    expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
    expect(lines.filter((line) => !line.startsWith("pulling ") && !/trying again/.test(line))).toEqual([
      expect.stringMatching(/^pullrun: .*registry-1\.docker\.io.*(ENOTFOUND|EAI_AGAIN|ENETUNREACH)/),
      expect.stringMatching(/^hint: .*mirror.*HTTPS_PROXY.*oci:DIR.*pullrun demo/),
    ]);
    expect(fileList(root)).toEqual(before);
  },
);
