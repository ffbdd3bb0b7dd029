import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { addBigImage } from "../support/big-image.js";
import { pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { busybox, needsBusybox } from "../support/busybox.js";
import { engine, quick } from "../support/engine.js";
import { needsNamespaces } from "../support/namespaces.js";
import { needsPty, onPty, type Pty } from "../support/pty.js";
import { memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";

let registry: TestRegistry | undefined;
afterEach(() => registry?.close());

const [hide, show] = ["\u001b[?25l", "\u001b[?25h"];

/** A pull at a terminal, whose layer stops after 2 of its 4 MB; or does not. */
async function pullAtTerminal(env: Record<string, string> = {}, stalls = true): Promise<Pty> {
  const content = memoryContent();
  const image = addBigImage(content, "team/stuck", [4]);
  const on = new RegExp(image.layers[0]?.digest ?? "");
  const stall = { on, trouble: { kind: "stall", after: 2_000_000 } } as const;
  registry = await startTestRegistry({ content, faults: stalls ? [stall] : [] });
  const command = [pullrunPath, "--root", temporaryDirectory(), "pull", `${registry.host}/team/stuck`];
  return onPty(command, env);
}

describe.skipIf(needsPty !== "")(`${needsPty}S13: a pull at a terminal`, () => {
  test.each([
    ["Ctrl-C", 130, (pty: Pty): void => pty.type("\u0003")],
    ["SIGTERM", 143, (pty: Pty): void => void process.kill(pty.pid, "SIGTERM")],
  ] as const)("%s ends it with status %d, and the cursor is back", async (_how, status, end) => {
    const pty = await pullAtTerminal();
    await pty.until(/downloading/);
    end(pty);
    const ended = await pty.ended();
    expect(ended).toMatchObject({ status, mode: "cooked" });
    expect(ended.shown.lastIndexOf(hide)).toBeGreaterThanOrEqual(0);
    expect(ended.shown.lastIndexOf(show)).toBeGreaterThan(ended.shown.lastIndexOf(hide));
  });

  test.each([
    ["TERM=dumb", { TERM: "dumb" }],
    ["CI=true", { CI: "true" }],
  ])("with %s writes no escape codes, and few lines", async (_name, env) => {
    const { status, shown } = await (await pullAtTerminal(env, false)).ended();
    expect(status).toBe(0);
    expect(shown).not.toContain("\u001b");
    expect(shown.match(/layer [0-9a-f]{12}: downloading/g)).toHaveLength(1);
  });

  test("made 20 columns wide stays on its lines, and ends as ever", async () => {
    const pty = await pullAtTerminal();
    await pty.until(/downloading/);
    const before = pty.shown().length;
    pty.resize(24, 20);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const frames = stripVTControlCharacters(pty.shown().slice(before)).split(/[\r\n]+/);
    pty.type("\u0003");
    expect(await pty.ended()).toMatchObject({ status: 130, mode: "cooked" });
    expect(Math.max(...frames.slice(-3).map((line) => line.length))).toBeLessThanOrEqual(20);
  });
});

test("S13: a reader that closes the pipe ends a listing quietly", async () => {
  const { status, stderr } = await pullrun(["help"], {
    root: temporaryDirectory(),
    onStart: (child) => void child.stdout?.destroy(),
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

describe.skipIf(needsNamespaces + needsBusybox !== "")(
  `${needsNamespaces}${needsBusybox}interrupted,`,
  () => {
    test.each([
      [["logs", "-f", "deaf"], "SIGINT", 130],
      [["stats", "deaf"], "SIGTERM", 143],
      [["wait", "deaf"], "SIGINT", 130],
      [["stop", "-t", "100", "deaf"], "SIGTERM", 143],
    ] as const)(
      "%j ends with its signal's status and says nothing: %s, %d",
      async (words, signal, status) => {
        const { run, ok } = engine({ as: {} });
        await ok(
          "run",
          "-q",
          "-d",
          ...quick,
          "--name",
          "deaf",
          busybox,
          "sh",
          "-c",
          "trap '' TERM; sleep 100 & wait",
        );
        const ended = await run(words, {
          onStart: (child) => void setTimeout(() => child.kill(signal), 1500),
        });
        expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status, stderr: "" });
      },
    );
  },
);
