import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { testUsers } from "../support/users.js";

test.skipIf(needsNamespaces !== "").each(testUsers)(
  `${needsNamespaces}doctor finds this machine fit for $who, and makes no store`,
  async ({ as }) => {
    const root = path.join(temporaryDirectory(as), "store");
    const { status, stdout, stderr } = await pullrun(["doctor"], { root, ...as });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^ok +namespaces +/m);
    expect(stdout).not.toMatch(/^gap.*\n(?! +fix: )/m);
    expect(existsSync(root)).toBe(false);
  },
);

test("doctor --json has the checks and what they go by", async () => {
  const { stdout } = await pullrun(["doctor", "--json"], { root: temporaryDirectory() });
  const diagnosis = JSON.parse(stdout) as { checks: { name: string }[]; facts: { kernel: string } };
  expect(diagnosis.checks.map(({ name }) => name)).toContain("cgroups");
  expect(diagnosis.facts.kernel).toMatch(/^[0-9]+\./);
});
