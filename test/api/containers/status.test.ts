import { expect, test } from "vitest";
import { parseStatus } from "../../../src/api/containers/status.js";

test("a supervisor's record is read line by line, times to the nanosecond", () => {
  const text =
    "state exited\npid 4711\nstart 123456\nboot 6d8e\nstarted 1767323045123456789\nfinished 1767323046000000001\n" +
    "exit 3\noom 1\nrestarts 2\nerror cannot start: no such file\n";
  expect(parseStatus(text)).toEqual({
    state: "exited",
    pid: 4711,
    start: "123456",
    boot: "6d8e",
    started: "2026-01-02T03:04:05.123456789Z",
    finished: "2026-01-02T03:04:06.000000001Z",
    exit: 3,
    oom: true,
    restarts: 2,
    error: "cannot start: no such file",
  });
});

test.each([
  ["nothing at all", ""],
  ["lines without a value", "state\npid\nexit\n"],
  ["numbers that are none", "pid -1\nrestarts 1e9\nstarted soon\noom yes\n"],
  ["keys of a later version", "colour blue\n"],
])("%s stands for a container nothing is known of", (_, text) => {
  expect(parseStatus(text)).toEqual({
    state: "",
    pid: 0,
    start: "",
    boot: "",
    oom: false,
    restarts: 0,
    error: "",
  });
});
