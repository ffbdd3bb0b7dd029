import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { addImage, type BlobMap } from "../../fixtures/image.js";
import { writeLayout } from "../../fixtures/layout.js";
import { needsRealRoot } from "../support/namespaces.js";
import { demoLayout, pullrun, pullrunPath, temporaryDirectory, type CliResult } from "../support/cli.js";
import { archiveOf } from "../support/inspected.js";
import { have, isRoot, missing, mustRun, runTool } from "../support/tools.js";
import { serveFixtures } from "../support/served.js";

/** Looking into images, as a user does. One store for all: nothing here changes it but `tag`. */
let root: string;
const app = "docker.io/team/app:1";
const hostile = "docker.io/team/hostile:1";

beforeAll(async () => {
  root = (await mustRun("mktemp", ["-d"])).trim();
  const layout = `${root}/layout`;
  await makeLayout(layout);
  for (const name of [app, hostile]) {
    expect(await pullrun(["pull", "-q", `oci:${layout}:${name}`], { root: `${root}/store` })).toMatchObject({
      status: 0,
    });
  }
  return () => mustRun("rm", ["-rf", root]);
});

async function makeLayout(directory: string): Promise<void> {
  const blobs: BlobMap = new Map();
  const platform = { os: "linux", architecture: "amd64" };
  const image = (name: string, layers: Parameters<typeof addImage>[1]["layers"], process = {}) => {
    const descriptor = addImage(blobs, { platform, layers, process });
    return { name, descriptor, manifests: [descriptor] };
  };
  const bottom = archiveOf([
    "etc/",
    { name: "etc/issue", data: "one" },
    { name: "big", data: "x".repeat(100_000) },
  ]);
  const top = archiveOf([{ name: "etc/issue", data: "three" }, ".wh.big"]);
  const odd = archiveOf([
    { name: "\u001b[2Jclear", data: "a" },
    { name: Buffer.from([0x62, 0xff, 0x0a]), data: "b" },
  ]);
  const images = [
    image(
      app,
      [
        { createdBy: "ADD bottom", content: bottom },
        { createdBy: "RUN \u001b[31mtop", content: top },
      ],
      {
        Env: ["A=b", "C=\u001b[0m"],
        ExposedPorts: { "80/tcp": {} },
        Volumes: { "/data": {} },
        StopSignal: "SIGQUIT",
        Healthcheck: { Test: ["CMD", "/ok"], Interval: 5e9 },
        OnBuild: ["RUN make"],
        Shell: ["/bin/ash", "-c"],
      },
    ),
    image(hostile, [{ createdBy: "", content: odd }]),
  ];
  await writeLayout(directory, { images, blobs });
}

function look(...args: readonly string[]): Promise<CliResult> {
  return pullrun(args, { root: `${root}/store` });
}

async function shown(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await look(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

test("--no-trunc shows ids in full, also with -q", async () => {
  const id = (await shown("inspect", "--format", "{{.Id}}", app)).trim();
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await shown("images", "-q", "--no-trunc", app)).toBe(`${id}\n`);
  expect(await shown("images", "--no-trunc", app)).toContain(` ${id} `);
  expect(await shown("images", "-q", app)).toBe(`${id.slice(7, 19)}\n`);
});

test("history and layers name what made each layer, with no escape sequence of the image's", async () => {
  expect(await shown("history", "--format", "{{.Layer}} {{.CreatedBy}}", app)).toBe(
    "2 RUN \\x1b[31mtop\n1 ADD bottom\n",
  );
  expect(await shown("history", app)).toMatch(
    /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n[0-9a-f]{12} .*RUN \\x1b\[31mtop/,
  );
  expect(await shown("layers", "--format", "{{.Layer}} {{.Files}}", app)).toBe("1 2\n2 1\n");
  const [layer] = JSON.parse(await shown("layers", "--json", app)) as Record<string, unknown>[];
  expect(layer).toMatchObject({
    layer: 1,
    files: 2,
    fileBytes: 100_003,
    createdBy: "ADD bottom",
    sharedWith: [],
  });
});

test("inspect answers docker's templates", async () => {
  expect(await shown("inspect", "-f", '{{join .Config.Env "\\n"}}', app)).toBe("A=b\nC=\\x1b[0m\n");
  expect(await shown("inspect", "-f", "{{json .Config.Env}} {{.RepoTags}}", app)).toBe(
    '["A=b","C=\\u001b[0m"] [team/app:1]\n',
  );
  expect(await look("inspect", "-f", "{{.Nope}}", app)).toMatchObject({ status: 2, stdout: "" });
});

test("inspect has the image config in docker's field names, with a template and without", async () => {
  const config = {
    Env: ["A=b", "C=\u001b[0m"],
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/data": {} },
    StopSignal: "SIGQUIT",
    Healthcheck: {
      Test: ["CMD", "/ok"],
      Interval: 5e9,
      Timeout: 0,
      StartPeriod: 0,
      StartInterval: 0,
      Retries: 0,
    },
    OnBuild: ["RUN make"],
    Shell: ["/bin/ash", "-c"],
  };
  const found = [{ RepoTags: ["team/app:1"], Config: config }];
  expect(JSON.parse(await shown("inspect", app))).toMatchObject(found);
  expect(JSON.parse(await shown("inspect", "--format", "json", app))).toMatchObject(found);
  expect(await shown("inspect", "-f", "{{json .Config.Healthcheck}} {{.Config.Shell}}", hostile)).toBe(
    "null <no value>\n",
  );
});

test.each([
  [[], "[]\n"],
  [["--type", "container"], "[]\n"],
  [["-f", "{{.Id}}"], ""],
] as const)("inspect %j of what is not there prints docker's empty list", async (flags, stdout) => {
  expect(await look("inspect", ...flags, "none")).toMatchObject({ status: 1, stdout });
});

test("rmi of what is not there fails, and with -f says so and is content", async () => {
  const stderr = expect.stringContaining("none: not in the store") as string;
  expect(await look("rmi", "none")).toMatchObject({ status: 1, stdout: "", stderr });
  expect(await look("rmi", "-f", "none")).toMatchObject({ status: 0, stdout: "", stderr });
});

test("ls, cat and tree show the image, or one layer of it", async () => {
  expect(await shown("ls", app)).toBe("etc\n");
  expect(await shown("ls", "-R", `${app}@1`)).toBe("/big\n/etc\n/etc/issue\n");
  expect(await shown("ls", `${app}@2`)).toBe("big (deleted)\netc\n");
  expect(await shown("ls", "-l", app, "/etc")).toMatch(/^-rw-r--r-- 0:0 5 2023-11-14 22:13:20 issue\n$/);
  expect(await shown("cat", app, "etc/issue", "/etc/issue")).toBe("threethree");
  expect(await shown("cat", `${app}@1`, "big")).toBe("x".repeat(100_000));
  expect(await shown("tree", app)).toBe("/\n└── etc\n    └── issue\n\n1 directory, 1 file\n");
  expect(await shown("tree", "-L", "1", app)).toBe("/\n└── etc\n\n1 directory, 0 files\n");
});

test("names that would act upon a terminal are spelt out, and exact in JSON", async () => {
  expect(await shown("ls", hostile)).toBe("\\x1b[2Jclear\nb\\xff\\n\n");
  expect(await shown("tree", hostile)).toContain("├── \\x1b[2Jclear\n└── b\\xff\\n\n");
  const files = JSON.parse(await shown("ls", "--json", hostile)) as Record<string, string>[];
  expect(files.map(({ path, pathBytes }) => [path, pathBytes])).toEqual([
    ["/\u001b[2Jclear", undefined],
    ["/b\ufffd\n", Buffer.from("/b\xff\n", "latin1").toString("base64")],
  ]);
  expect(await shown("cat", hostile, "\u001b[2Jclear")).toBe("a");
});

test("a name that no argument can hold is taken as ls prints it", async () => {
  for (const name of (await shown("ls", hostile)).trimEnd().split("\n")) {
    expect(await shown("cat", hostile, name)).toMatch(/^.$/);
    expect(await shown("ls", hostile, name)).toBe(`${name}\n`);
  }
  expect(await look("cat", hostile, "\\xfe")).toMatchObject({ status: 1, stdout: "" });
});

test("diff tells apart two images, and two layers of one", async () => {
  const { stdout, stderr, status } = await look("diff", "--exit-code", `${app}@1`, app);
  expect(stdout).toBe("D /big (100kB)\nC /etc/issue (content, 3B -> 5B)\n");
  expect(stderr).toBe("0 added (+0B), 1 changed (+2B), 1 removed (-100kB)\n");
  expect(status).toBe(1);
  expect(await shown("diff", "-q", app, hostile)).toBe("/\\x1b[2Jclear\n/b\\xff\\n\n/etc\n/etc/issue\n");
});

test("du finds the waste, and fails a build that has too much of it", async () => {
  const usage = JSON.parse(await shown("du", "--json", app)) as Record<string, unknown>;
  expect(usage).toMatchObject({ totalBytes: 100_008, wastedBytes: 100_003, efficiency: 5 / 100_008 });
  expect(await shown("du", app)).toContain("efficiency 0.00%: 100kB of 100kB wasted");
  expect(await look("du", "--fail-under", "0.9", app)).toMatchObject({
    status: 1,
    stderr: "efficiency is 0.00% (expected at least 90.00%)\n",
  });
  expect(await look("du", "--fail-under", "90", app)).toMatchObject({ status: 2, stdout: "" });
});

test("report is one document of it all, in which names and texts of the image are only text", async () => {
  const markdown = await shown("report", app);
  expect(markdown).toContain(`# \`${app}\``);
  expect(markdown).toContain("0.00%: 100kB of 100kB are data that no container sees");
  expect(markdown).toContain("`RUN \\x1b[31mtop`");
  expect(markdown).not.toContain("A=b");
  const html = await shown("report", "--format", "html", hostile);
  expect(html).toContain("<code>/\\x1b[2Jclear</code>");
  const json = JSON.parse(await shown("report", "--format", "json", "--top", "1", hostile)) as unknown;
  expect(json).toMatchObject({
    image: { names: [hostile], platform: "linux/amd64" },
    layers: [{ layer: 1, files: 2 }],
    files: { counts: { file: 2 }, largest: [{ path: "/\u001b[2Jclear", mode: "0644" }] },
  });
  expect(await look("report", "--top", "-1", app)).toMatchObject({ status: 2, stdout: "" });
  expect(await look("report", "--format", "pdf", app)).toMatchObject({ status: 2, stdout: "" });
});

test("images filters, formats and draws", async () => {
  expect(await shown("images", "--format", "{{.Repository}}:{{.Tag}}", "-f", "reference=team/a*")).toBe(
    "team/app:1\n",
  );
  expect(await shown("images", "--format", "table {{.Tag}}\\t{{.Repository}}", "team/app")).toBe(
    "TAG   REPOSITORY\n1     team/app\n",
  );
  const tree = await shown("images", "--tree", "team/app");
  expect(tree).toMatch(/team\/app:1 \(linux\/amd64\).*\n├─ 1 .*ADD bottom\n└─ 2 .*RUN \\x1b\[31mtop\n$/);
});

test("images takes a pattern for a name, and docker's -a", async () => {
  expect(await shown("images", "--format", "{{.Repository}}", "team/h*")).toBe("team/hostile\n");
  expect(await shown("images", "-q", "nothing/*")).toBe("");
  expect(await shown("images", "-aq")).toBe(await shown("images", "-q"));
});

test("a name that means a directory is none for an image in the store", async () => {
  const { status, stderr } = await look("tag", app, "oci:copy");
  expect(stderr).toMatch(/^pullrun: tag: oci:copy: would always mean what is on disk .*\nhint: .*\n$/);
  expect(status).toBe(2);
});

test("inspect shows what it finds and complains of the rest", async () => {
  const neither = "inspect: none: no such container or image";
  const noImage = "image: none: not in the store";
  for (const [flags, shown, complaint] of [
    [["-f", "{{index .RepoTags 0}}"], /^team\/app:1\n$/, neither],
    [["--raw"], /^\{.*\}\s*$/s, noImage],
    [["--type", "image"], /^\[\n/, noImage],
    [[], /^\[\n.*"team\/app:1".*\]\n$/s, neither],
    [["-f", ""], /^\[\n/, neither],
  ] as const) {
    const { status, stdout, stderr } = await look("inspect", ...flags, "none", app);
    expect(stdout).toMatch(shown);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(new RegExp(`^pullrun: ${complaint}\nhint: .*\n$`)) as string,
    });
  }
});

test.each([
  ["tree", "-L", "--level", "0", 1],
  ["tree", "-L", "--level", "-1", 1],
  ["du", "--depth", "--depth", "-1", 0],
  ["report", "--top", "--top", "-1", 0],
])("%s %s with %s %s is refused", async (command, flag, name, value, least) => {
  const { status, stderr } = await look(command, flag, value, app);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: `pullrun: ${name}: ${value}: not a whole number of at least ${least}\n`,
  });
});

test("--format table, or nothing, is the usual table", async () => {
  for (const command of ["images", "history", "layers"]) {
    const args = command === "images" ? [] : [app];
    const usual = await shown(command, ...args);
    expect(await shown(command, "--format", "table", ...args)).toBe(usual);
    expect(await shown(command, "--format", "", ...args)).toBe(usual);
  }
});

test("rmi of an ID with several names takes none of them away, but with -f all", async () => {
  const root = temporaryDirectory();
  const own = (...args: string[]) => pullrun(args, { root });
  await own("pull", "-q", `oci:${demoLayout}:pullrun/hello-world:latest`);
  await own("tag", "pullrun/hello-world", "team/copy");
  const id = (await own("images", "-q")).stdout.trim();
  const refused = await own("rmi", id);
  expect(refused).toMatchObject({ status: 1, stdout: "" });
  expect(refused.stderr).toBe(
    `pullrun: remove: ${id}: has more than one name: docker.io/pullrun/hello-world:latest, docker.io/team/copy:latest\n` +
      `hint: remove the names one by one, or all of them with: pullrun rmi -f ${id}\n`,
  );
  expect((await own("images", "-q", "--no-trunc")).stdout).not.toBe("");
  expect((await own("rmi", "-f", id)).stdout).toBe(
    "docker.io/pullrun/hello-world:latest\ndocker.io/team/copy:latest\n",
  );
  expect((await own("images", "-q")).stdout).toBe("");
});

test("tag adds a name that rmi takes away again", async () => {
  expect(await shown("tag", app, "team/copy")).toBe("docker.io/team/copy:latest\n");
  expect(await shown("cat", "team/copy", "/etc/issue")).toBe("three");
  expect((await look("rmi", "team/copy")).status).toBe(0);
  expect(await shown("cat", app, "/etc/issue")).toBe("three");
});

test.skipIf(!have("tar"))(
  `${missing("tar")}export is a tar that GNU tar reads, to stdout or a file`,
  async () => {
    const file = path.join(temporaryDirectory(), "app.tar");
    expect(await shown("export", "-o", file, app)).toBe("");
    expect(await mustRun("tar", ["-tf", file])).toBe("./\netc/\netc/issue\n");
    expect(await shown("export", app)).toBe(readFileSync(file, "latin1"));
  },
);

test.skipIf(!have("script"))(`${missing("script")}export writes no archive to a terminal`, async () => {
  const command = `${pullrunPath} --root ${root}/store export ${app}`;
  const { status, stdout } = await runTool("script", ["-qec", command, "/dev/null"]);
  expect(status).toBe(2);
  expect(stdout).toContain("hint: name a file with -o FILE");
});

test("a reader that has seen enough is no failure", async () => {
  const script = 'set -o pipefail; "$0" --root "$1" "$2" "$3" $4 | head -c 5';
  for (const command of [
    ["export", app],
    ["ls", app, "-lR"],
    ["cat", `${app}@1`, "big"],
  ]) {
    const args = ["-c", script, pullrunPath, `${root}/store`, ...command];
    expect(await runTool("bash", args)).toMatchObject({ status: 0, stderr: "" });
  }
});

test("looking works where the helper is missing; only what needs it says so", async () => {
  // Two levels down: the helper is also looked for beside the directory.
  const elsewhere = path.join(temporaryDirectory(), "in", "here");
  mkdirSync(elsewhere, { recursive: true });
  const home = path.resolve(import.meta.dirname, "../..");
  for (const part of ["bin", "dist", "package.json"])
    cpSync(path.join(home, part), path.join(elsewhere, part), { recursive: true });
  symlinkSync(path.join(home, "node_modules"), path.join(elsewhere, "node_modules"));
  const moved = (args: string[]) =>
    runTool(path.join(elsewhere, "bin/pullrun"), ["--root", `${root}/store`, ...args]);
  for (const args of [
    ["images"],
    ["inspect", app],
    ["history", app],
    ["layers", app],
    ["ls", app],
    ["tree", app],
    ["du", app],
    ["report", app],
    ["report", "--format", "html", app],
    ["export", app],
    ["diff", "-q", app, hostile],
  ]) {
    expect(await moved(args), args[0]).toMatchObject({ status: 0, stderr: "" });
  }
  const { status, stderr } = await moved(["tag", app, "team/no"]);
  expect(status).toBe(1);
  expect(stderr).toContain("hint: build it");
});

test.skipIf(!isRoot)(
  `${isRoot ? "" : "needs root: "}an ordinary user looks into a store of their own`,
  async () => {
    const uid = 1234;
    const own = path.join(temporaryDirectory({ uid }), "store");
    mkdirSync(own);
    cpSync(`${root}/store`, own, { recursive: true });
    await mustRun("chown", ["-R", `${uid}:${uid}`, own]);
    const { status, stdout, stderr } = await pullrun(["cat", app, "/etc/issue"], { root: own, uid });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "three", stderr: "" });
  },
);

describe.skipIf(needsRealRoot + missing("runc") !== "")(`${needsRealRoot}${missing("runc")}bundle`, () => {
  test("is run by runc as it is, and refuses a directory that holds something", async () => {
    const served = await serveFixtures();
    try {
      const store = temporaryDirectory();
      const bundle = path.join(temporaryDirectory(), "bundle");
      const name = `${served.host}/pullrun/environment`;
      const made = await pullrun(["bundle", name, bundle], { root: store });
      expect(made).toMatchObject({ status: 0, stdout: `${bundle}\n` });
      const state = path.join(temporaryDirectory(), "state");
      const args = ["--root", state, "run", "-b", bundle, `pullrun-bundle-${process.pid}`];
      const { status, stdout, stderr } = await runTool("runc", args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain("GREETING=hello there");
      expect(await pullrun(["bundle", name, bundle], { root: store })).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("is not empty"),
      });
    } finally {
      await served.close();
    }
  });
});
