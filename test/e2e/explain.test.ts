import { afterAll, beforeAll, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { serveFixtures, type Served } from "../support/served.js";

let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

interface Document {
  readonly exitStatus?: number;
  readonly steps: readonly {
    readonly phase: string;
    readonly what: string;
    readonly at?: number;
    readonly ms?: number;
  }[];
}

const name = (): string => `${served.host}/pullrun/hello-world`;

test("an explained pull says on stderr what it asked and stored, and prints what it always does", async () => {
  const root = temporaryDirectory();
  const { status, stdout, stderr } = await pullrun(["pull", "--explain=json", name()], { root });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\S+\/pullrun\/hello-world@sha256:[0-9a-f]{64}\n$/);
  const { steps } = JSON.parse(stderr) as Document;
  const phases = new Set(steps.map(({ phase }) => phase));
  const expected = ["resolve", "token", "manifest", "config", "blob", "fetch", "verify", "store", "rootfs"];
  expect([...phases]).toEqual(expect.arrayContaining(expected));
  expect(served.requests.length).toBeGreaterThan(0);
  expect(stderr).not.toMatch(/scope=|Bearer/);
});

test("a pull that fails is explained up to there", async () => {
  const root = temporaryDirectory();
  const { status, stderr } = await pullrun(["pull", "--explain", `${served.host}/not/there`], { root });
  expect(status).toBe(1);
  expect(stderr).toMatch(/ manifest .*\/v2\/not\/there\/manifests\/latest: 404\n/);
});

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}an explained run has the helper's steps with their times, and the container's exit status`,
  async () => {
    const root = temporaryDirectory();
    const secret = ["-e", "PASSWORD=hunter2"];
    const flags = ["--rm", "--network", "none", ...secret, "--explain=json"];
    const { status, stdout, stderr } = await pullrun(["run", ...flags, name()], { root });
    expect(status).toBe(0);
    expect(stdout).toContain("Hello from pullrun!");
    const { steps, exitStatus } = JSON.parse(stderr) as Document;
    expect(exitStatus).toBe(0);
    const timed = steps.filter(({ what, ms }) => what.startsWith("plan ") && ms !== undefined);
    const kinds = timed.map(({ what }) => what.split(" ")[2]);
    expect(kinds).toEqual(expect.arrayContaining(["clone", "root-overlay", "pivot", "exec", "remove-tree"]));
    expect(stderr).toContain("PASSWORD");
    expect(stderr).not.toContain("hunter2");
  },
);

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}an explained run under a supervisor has the times of its steps, watched or not, and says which failed`,
  async () => {
    const root = temporaryDirectory();
    const explained = async (...args: string[]): Promise<Document & { status: number }> => {
      const run = ["run", "--network", "none", "--explain=json", ...args];
      const { status, stderr } = await pullrun(run, { root });
      return { status, ...(JSON.parse(stderr.slice(stderr.indexOf("{\n"))) as Document) };
    };
    for (const flags of [[], ["-d"]]) {
      const { status, steps, exitStatus } = await explained(...flags, name());
      expect({ status, exitStatus }).toEqual({ status: 0, exitStatus: flags.length === 0 ? 0 : undefined });
      const done = steps.filter(({ what }) => /^plan \d/.test(what));
      expect(done.map(({ what }) => what.split(" ")[2])).toEqual(
        expect.arrayContaining(["supervise", "clone", "pivot", "exec"]),
      );
      expect(done.filter(({ ms, at }) => ms === undefined || at === undefined)).toEqual([]);
      const failed = await explained(...flags, name(), "/nowhere");
      expect(failed).toMatchObject({ status: 127, exitStatus: 127 });
      expect(failed.steps.find(({ what }) => what.includes(" exec "))?.what).toContain(": failed: ");
    }
  },
);

test("--explain takes no word after it for its value, and no value it does not know", async () => {
  const root = temporaryDirectory();
  const image = `${served.host}/not/there`;
  const taken = await pullrun(["run", "--explain", image, "--explain=json"], { root });
  expect(taken.stderr).toContain("/v2/not/there/manifests/latest: 404");
  const unknown = await pullrun(["run", "--explain=yaml", image], { root });
  expect(unknown).toMatchObject({ status: 125, stdout: "" });
  expect(unknown.stderr).toContain("unknown option '--explain'");
});
