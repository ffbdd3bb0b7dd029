import { expect, test } from "vitest";
import type { Container } from "../../../src/api/containers/container.js";
import { setFrozen } from "../../../src/api/containers/freeze.js";

const container = { state: { id: "0", name: "box" } } as Container;
const gone = {
  file: "/nonexistent/cgroup.freeze",
  freeze: "1",
  thaw: "0",
  frozen: () => Promise.resolve(false),
};

test("to pause a container that ends meanwhile is an error which says so, and to unpause it is none", async () => {
  await expect(setFrozen(container, gone, true)).rejects.toMatchObject({
    code: "NOT_RUNNING",
    message: "pause: box: the container has ended (expected running)",
  });
  await setFrozen(container, gone, false);
});
