import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import type { Container } from "../../../src/api/containers/container.js";
import { setFrozen } from "../../../src/api/containers/freeze.js";

const container = { state: { id: "0", name: "box" } } as Container;
const gone = {
  file: "/nonexistent/cgroup.freeze",
  freeze: "1",
  thaw: "0",
  frozen: () => Promise.resolve(false),
  misses: false,
};

test("to pause a container that ends meanwhile is an error which says so, and to unpause it is none", async () => {
  await expect(setFrozen(container, gone, true)).rejects.toMatchObject({
    code: "NOT_RUNNING",
    message: "pause: box: the container has ended (expected running)",
  });
  await setFrozen(container, gone, false);
  await setFrozen(container, undefined, false);
});

test("a freezer that has missed a process is made to let go and asked again", async () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), "pullrun-test-")), "freezer.state");
  writeFileSync(file, "");
  let thawed = false;
  const frozen = (): Promise<boolean> => {
    const asked = readFileSync(file, "utf8");
    return Promise.resolve(thawed && asked === "FROZEN");
  };
  const watched = setInterval(() => (thawed ||= readFileSync(file, "utf8") === "THAWED"), 1);
  try {
    await setFrozen(container, { file, freeze: "FROZEN", thaw: "THAWED", frozen, misses: true }, true);
  } finally {
    clearInterval(watched);
  }
  expect(thawed).toBe(true);
});
