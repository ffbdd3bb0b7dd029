import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { addBigImage, addZippedImage } from "../support/big-image.js";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import {
  addImage,
  memoryContent,
  startTestRegistry,
  type Fault,
  type LoggedRequest,
  type TestRegistry,
} from "../support/registry.js";
import { tar } from "../support/tar.js";

let registry: TestRegistry | undefined;
afterEach(() => registry?.close());

function blobRequests(from: TestRegistry): LoggedRequest[] {
  return from.requests.filter(({ url }) => url.includes("/blobs/"));
}

function bytesSent(from: TestRegistry): number {
  return blobRequests(from).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Calls `act` as soon as `reached` says so, looking between any two pieces of a download. */
async function when(reached: () => boolean, act: () => void): Promise<void> {
  while (!reached()) await sleep(2);
  act();
}

describe("a pull of 500 MB", () => {
  test("R26: killed at 60 % fetches less than 45 % of the bytes when repeated, and stays under 250 MB of memory", async () => {
    const content = memoryContent();
    const image = addBigImage(content, "team/big", [150, 120, 90, 60, 40, 25, 15]);
    const total = image.layers.reduce((sum, { size }) => sum + size, 0);
    registry = await startTestRegistry({ content });
    const { host } = registry;
    const root = temporaryDirectory();
    const first = registry;
    let killed: Promise<void> | undefined;
    const onStart = (child: ChildProcess): void => {
      killed = when(
        () => bytesSent(first) >= 0.6 * total,
        () => child.kill("SIGKILL"),
      );
    };
    const { status } = await pullrun(["pull", "-q", `${host}/team/big`], { root, onStart });
    await killed;
    expect(status).toBe(137);
    const before = bytesSent(registry);
    let peak = (): number => 0;
    const again = await pullrun(["pull", "-q", `${host}/team/big`], {
      root,
      onStart: (child) => (peak = watchMemory(child)),
    });
    expect(again).toMatchObject({ status: 0, stderr: "" });
    expect((bytesSent(registry) - before) / total).toBeLessThan(0.45);
    expect(peak()).toBeGreaterThan(30);
    expect(peak()).toBeLessThan(250);
  }, 60_000);

  test.each(["plain", "gzip"] as const)(
    "in one %s layer stays under 250 MB of memory",
    async (kind) => {
      const content = memoryContent();
      if (kind === "plain") addBigImage(content, "team/one", [500]);
      else addZippedImage(content, "team/one", 500);
      registry = await startTestRegistry({ content });
      let peak = (): number => 0;
      const { status } = await pullrun(["pull", "-q", `${registry.host}/team/one`], {
        root: temporaryDirectory(),
        onStart: (child) => (peak = watchMemory(child)),
      });
      expect(status).toBe(0);
      expect(peak()).toBeGreaterThan(30);
      expect(peak()).toBeLessThan(250);
    },
    60_000,
  );
});

describe("a layer of 80 MB at a registry that gives each connection 10 MB/s", () => {
  const throttle: Fault = { on: /blobs/, trouble: { kind: "drip", bytes: 50_000, everyMs: 5 } };

  test("is fetched over several, and when killed goes on from the bytes that came without a gap", async () => {
    const content = memoryContent();
    const image = addBigImage(content, "team/wide", [80]);
    const { digest, size } = image.layers[0]!;
    registry = await startTestRegistry({ content, faults: [throttle] });
    const name = `${registry.host}/team/wide`;
    const root = temporaryDirectory();
    const data = path.join(root, "ingest", digest.replace(":", "-"), "data");
    const { status } = await pullrun(["pull", "-q", name], {
      root,
      onStart: (child) =>
        void when(
          () => sizeOf(data) >= size / 2,
          () => child.kill("SIGKILL"),
        ),
    });
    expect(status).toBe(137);
    const kept = sizeOf(data);
    const ofLayer = blobRequests(registry).filter(({ url }) => url.includes(digest));
    const before = ofLayer.length;
    expect(
      ofLayer.filter(({ headers }) => /^bytes=\d+-\d+$/.test(headers.range ?? "")).length,
    ).toBeGreaterThan(1);
    expect(await pullrun(["pull", "-q", name], { root })).toMatchObject({ status: 0, stderr: "" });
    const again = blobRequests(registry)
      .filter(({ url }) => url.includes(digest))
      .slice(before);
    expect(again[0]?.headers.range).toBe(`bytes=${kept}-`);
    expect(again.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(0.7 * size);
  }, 60_000);

  test("is fetched over one with --jobs 1", async () => {
    const content = memoryContent();
    const image = addBigImage(content, "team/narrow", [50]);
    registry = await startTestRegistry({ content, faults: [throttle] });
    const { status } = await pullrun(["pull", "-q", "--jobs", "1", `${registry.host}/team/narrow`], {
      root: temporaryDirectory(),
    });
    expect(status).toBe(0);
    expect(blobRequests(registry).filter(({ url }) => url.includes(image.layers[0]!.digest))).toHaveLength(1);
  }, 60_000);
});

/** Highest VmHWM seen of a process, in MB: the kernel's own high-water mark, so that only its last moments are missed. */
function watchMemory(child: ChildProcess): () => number {
  let highest = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, "utf8");
      highest = Math.max(highest, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1000);
    } catch {
      // It has ended.
    }
  }, 10);
  child.once("exit", () => clearInterval(timer));
  return () => highest;
}

describe("twenty processes pulling one image", () => {
  test("S5: fetch each blob once, tell who waits for whom, and all succeed", async () => {
    const content = memoryContent();
    const image = addBigImage(content, "team/shared", [30, 20, 4, 1]);
    registry = await startTestRegistry({ content });
    const name = `${registry.host}/team/shared`;
    const root = temporaryDirectory();
    const results = await Promise.all(
      Array.from({ length: 20 }, () => pullrun(["pull", "--progress", "json", name], { root })),
    );
    expect(results.map(({ status }) => status)).toEqual(Array(20).fill(0));
    expect(new Set(results.map(({ stdout }) => stdout))).toEqual(new Set([`${name}@${image.top.digest}\n`]));
    const fetched = blobRequests(registry).map(({ method, url }) => `${method} ${path.basename(url)}`);
    const blobs = [image.config, ...image.layers].map(({ digest }) => `GET ${digest}`);
    expect(fetched.toSorted()).toEqual(blobs.toSorted());
    expect(results.map(({ stderr }) => stderr).join("")).toContain('"state":"elsewhere"');
  }, 120_000);

  test("S5: go on when the one that fetches is killed", async () => {
    const content = memoryContent();
    const image = addBigImage(content, "team/heir", [20]);
    const stall: Fault = { on: /blobs/, occurrences: [2], trouble: { kind: "stall", after: 5_000_000 } };
    registry = await startTestRegistry({ content, faults: [stall] });
    const name = `${registry.host}/team/heir`;
    const root = temporaryDirectory();
    const { requests } = registry;
    const killed = pullrun(["pull", "-q", name], {
      root,
      onStart: (child) =>
        void when(
          () => requests.some(({ bytes }) => bytes > 4_000_000),
          () => void sleep(500).then(() => child.kill("SIGKILL")),
        ),
    });
    const waiting = when(
      () => requests.length > 3,
      () => undefined,
    ).then(() => pullrun(["pull", "-q", name], { root }));
    expect((await killed).status).toBe(137);
    expect(await waiting).toMatchObject({ status: 0, stdout: `${name}@${image.top.digest}\n` });
    const [first, second] = blobRequests(registry).filter(({ url }) => url.includes(image.layers[0]!.digest));
    expect(first?.headers.range).toBeUndefined();
    expect(second?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  }, 60_000);
});

describe("blobs that several repositories have", () => {
  const shared = tar({ name: "shared", data: "the same in both\n".repeat(5000) });

  async function servedPair(): Promise<{ one: string; two: string; served: TestRegistry }> {
    const content = memoryContent();
    addImage(content, { repository: "team/one", tag: "latest", layers: [shared, tar({ name: "1" })] });
    addImage(content, { repository: "team/two", tag: "latest", layers: [shared, tar({ name: "2" })] });
    const served = await startTestRegistry({ content });
    return { one: `${served.host}/team/one`, two: `${served.host}/team/two`, served };
  }

  test("a second image that shares four layers fetches only its fifth, and one that goes takes only its own", async () => {
    const content = memoryContent();
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => tar({ name, data: name.repeat(5000) }));
    const common = [a, b, c, d].map((layer) => layer ?? Buffer.alloc(0));
    const own = (name: string): Buffer => tar({ name, data: name.repeat(5000) });
    addImage(content, { repository: "team/one", tag: "latest", layers: [...common, own("one")] });
    const two = addImage(content, { repository: "team/two", tag: "latest", layers: [...common, own("two")] });
    registry = await startTestRegistry({ content });
    const root = temporaryDirectory();
    expect((await pullrun(["pull", "-q", `${registry.host}/team/one`], { root })).status).toBe(0);
    const before = blobRequests(registry).length;
    expect((await pullrun(["pull", "-q", `${registry.host}/team/two`], { root })).status).toBe(0);
    const urls = blobRequests(registry)
      .slice(before)
      .map(({ url }) => url);
    expect(urls.map((url) => url.slice(url.indexOf("sha256:"))).sort()).toEqual(
      [two.config.digest, two.layers[4]?.digest ?? ""].sort(),
    );
    expect((await pullrun(["rmi", `${registry.host}/team/one`], { root })).status).toBe(0);
    expect(readdirSync(path.join(root, "layers")).length).toBe(5);
    expect((await pullrun(["verify"], { root })).status).toBe(0);
  });

  test("are fetched once by one pull of both, which prints a line for each", async () => {
    const { one, two, served } = await servedPair();
    registry = served;
    const { status, stdout } = await pullrun(["pull", "-q", one, two], { root: temporaryDirectory() });
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split("@")[0])).toEqual([one, two]);
    const layers = blobRequests(served).map(({ url }) => path.basename(url));
    expect(new Set(layers).size).toBe(5);
    expect(layers).toHaveLength(5);
  });

  test("are already here for the second pull", async () => {
    const { one, two, served } = await servedPair();
    registry = served;
    const root = temporaryDirectory();
    await pullrun(["pull", "-q", one], { root });
    const { stderr } = await pullrun(["pull", "--progress", "plain", two], { root });
    expect(stderr).toMatch(/layer [0-9a-f]{12}: already here\n/);
    expect(blobRequests(served)).toHaveLength(5);
  });

  test("a name that cannot be resolved ends a pull of several before any layer is fetched", async () => {
    const { one, served } = await servedPair();
    registry = served;
    const root = temporaryDirectory();
    const { status, stdout, stderr } = await pullrun(["pull", "-q", one, `${served.host}/team/none`], {
      root,
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^pullrun: .*team\/none.*not found/);
    expect(readdirSync(path.join(root, "layers"))).toEqual([]);
  });
});

describe("a registry that stops sending", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends the pull long before the stall would, and keeps what is there",
    async (signal) => {
      const content = memoryContent();
      const image = addBigImage(content, "team/stuck", [10]);
      const stall: Fault = { on: /blobs/, trouble: { kind: "stall", after: 4_000_000 } };
      registry = await startTestRegistry({ content });
      const { digest } = image.layers[0]!;
      registry.script([{ ...stall, on: new RegExp(digest) }]);
      const root = temporaryDirectory();
      const data = path.join(root, "ingest", digest.replace(":", "-"), "data");
      const { status, stdout } = await pullrun(["pull", "-q", `${registry.host}/team/stuck`], {
        root,
        onStart: (child) =>
          void when(
            () => sizeOf(data) >= 3_900_000,
            () => child.kill(signal),
          ),
      });
      expect({ status, stdout }).toEqual({ status: signal === "SIGINT" ? 130 : 143, stdout: "" });
      const kept = sizeOf(data);
      registry.script([]);
      const again = await pullrun(["pull", "-q", `${registry.host}/team/stuck`], { root });
      expect(again.status).toBe(0);
      const last = blobRequests(registry).findLast(({ url }) => url.includes(digest));
      expect(last?.headers.range).toBe(`bytes=${kept}-`);
    },
    // The stall would end it after 30 s.
    20_000,
  );
});

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

test("--jobs bounds the layers that are on their way at once, biggest first", async () => {
  const content = memoryContent();
  const image = addBigImage(content, "team/jobs", [1, 4, 2, 3]);
  registry = await startTestRegistry({ content });
  const { status } = await pullrun(["pull", "-q", "--jobs", "1", `${registry.host}/team/jobs`], {
    root: temporaryDirectory(),
  });
  expect(status).toBe(0);
  const order = blobRequests(registry).map(({ url }) => path.basename(url));
  const bySize = image.layers.toSorted((a, b) => b.size - a.size).map(({ digest }) => digest);
  expect(order.slice(1)).toEqual(bySize);
});

test.each(["0", "101", "many", "1.5"])("--jobs %s is refused", async (jobs) => {
  const { status, stderr } = await pullrun(["pull", "--jobs", jobs, "localhost:1/x"], {
    root: temporaryDirectory(),
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^pullrun: --jobs: .*: not a (whole )?number/);
});
