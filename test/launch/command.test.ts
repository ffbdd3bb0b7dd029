import { expect, test } from "vitest";
import { LaunchError } from "../../src/core/errors.js";
import { commandOf, workingDirOf } from "../../src/launch/command.js";
import { processConfig } from "./samples.js";

const both = { entrypoint: ["/entry", "-e"], cmd: ["cmd", "-c"] };

test.each([
  ["runs ENTRYPOINT with CMD", both, { args: [] }, ["/entry", "-e", "cmd", "-c"]],
  ["lets arguments replace CMD", both, { args: ["a", ""] }, ["/entry", "-e", "a", ""]],
  ["lets --entrypoint drop CMD", both, { args: [], entrypoint: "/other" }, ["/other"]],
  ["gives arguments to --entrypoint", both, { args: ["a"], entrypoint: "/other" }, ["/other", "a"]],
  ["lets an empty --entrypoint clear both", both, { args: ["sh"], entrypoint: "" }, ["sh"]],
  ["runs CMD alone", { entrypoint: [], cmd: ["/hello"] }, { args: [] }, ["/hello"]],
  ["runs arguments alone", { entrypoint: [], cmd: [] }, { args: ["ls"] }, ["ls"]],
  [
    'takes an image ENTRYPOINT of [""] for none',
    { entrypoint: [""], cmd: ["/hello"] },
    { args: [] },
    ["/hello"],
  ],
] as const)("%s", (_, image, options, argv) => {
  expect(commandOf(processConfig(image), options)).toEqual(argv);
});

test.each([
  ["an image with neither", { entrypoint: [], cmd: [] }, { args: [] }],
  ["an entrypoint cleared with no arguments", both, { args: [], entrypoint: "" }],
  ["a NUL byte that would cut an argument short", { entrypoint: [], cmd: ["/bin/sh\0-c"] }, { args: [] }],
] as const)("refuses %s", (_, image, options) => {
  expect(() => commandOf(processConfig(image), options)).toThrow(LaunchError);
});

test("says how to name a command when there is none", () => {
  try {
    commandOf(processConfig({ cmd: [] }), { args: [] });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      code: "NO_COMMAND",
      hint: expect.stringContaining("pullrun IMAGE /bin/sh") as string,
    });
  }
});

test.each([
  ["", undefined, "/"],
  ["/app", undefined, "/app"],
  ["/app", "/other/", "/other"],
  ["app", undefined, "/app"],
  ["/a/../../../etc", undefined, "/etc"],
] as const)("starts in the image's %j or --workdir %j: %j", (workingDir, workdir, expected) => {
  expect(workingDirOf(processConfig({ workingDir }), workdir === undefined ? {} : { workdir })).toBe(
    expected,
  );
});

test("refuses a working directory with a NUL byte", () => {
  expect(() => workingDirOf(processConfig({ workingDir: "/a\0b" }), {})).toThrow("NUL");
});
