import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../support/authority.js";
import { demoLayout, pullrun, pullrunPath, temporaryDirectory, withoutWarnings } from "../support/cli.js";
import {
  missing,
  mustRun,
  sharedLayout,
  skopeoCopy,
  startDockerRegistry,
  startTokenIssuer,
  type DockerRegistry,
} from "../support/peers.js";
import { memoryContent, startTestRegistry, type Trouble } from "../support/registry.js";
import { layoutContent } from "../../src/store/content.js";

const needs = [
  missing("docker-registry", "skopeo", "htpasswd", "openssl"),
  sharedLayout("busybox") === undefined ? "needs ../shared/images: " : "",
].join("");

const busybox = (): string => `oci:${sharedLayout("busybox") ?? ""}`;

/** Runs a command at a terminal of its own, typing each answer when its question shows. Returns what shows there. */
async function typeAtTerminal(
  command: string,
  options: { readonly env: Record<string, string>; readonly answers: (readonly [RegExp, string])[] },
): Promise<string> {
  const answers = [...options.answers];
  const child = spawn("script", ["-qec", command, "/dev/null"], { env: { ...process.env, ...options.env } });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    const [question, answer] = answers[0] ?? [];
    if (question?.test(shown) !== true) return;
    answers.shift();
    child.stdin.write(answer);
  });
  await once(child, "close");
  return shown;
}

/** A user's own login must not help a test, nor a directory that is not theirs hinder it. */
const noLogin = { REGISTRY_AUTH_FILE: "/nonexistent/auth.json" };

/** What skopeo says the tag means. */
async function skopeoDigest(host: string, name: string, ...flags: readonly string[]): Promise<string> {
  const format = ["--format", "{{.Digest}}", "--no-tags"];
  const args = ["inspect", "--tls-verify=false", ...flags, ...format, `docker://${host}/${name}`];
  const said = await mustRun("skopeo", args, { env: noLogin });
  return said.trim();
}

describe.skipIf(needs !== "")(`${needs}images as skopeo pushes them to Debian's docker-registry`, () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    const push = async (name: string, ...flags: readonly string[]) => {
      const to = `docker://${registry.host}/lib/${name}`;
      const always = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"];
      await mustRun("skopeo", [...always, ...flags, busybox(), to], { env: noLogin });
    };
    // First: a registry that has the layer as gzip is not given another.
    await push("busybox:zstd", "--dest-compress-format", "zstd");
    await push("busybox:gzip", "--dest-compress-format", "gzip");
    await push("busybox:docker", "--format", "v2s2");
    await push("busybox:oci", "--format", "oci");
    const single = await skopeoDigest(registry.host, "lib/busybox:oci");
    const inspect = ["inspect", "--raw", "--tls-verify=false", `docker://${registry.host}/lib/busybox:oci`];
    const size = (await mustRun("skopeo", inspect, { env: noLogin })).length;
    await putIndex({ digest: single, size });
  });
  afterAll(() => registry.close());

  /** A multi-arch index, which skopeo makes none of: two entries for other machines come first. */
  async function putIndex({ digest, size }: { digest: string; size: number }): Promise<void> {
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const entry = (architecture: string) => ({
      mediaType,
      digest,
      size,
      platform: { os: "linux", architecture },
    });
    const index = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [entry("s390x"), entry("amd64"), entry("arm64")],
    };
    const answer = await fetch(`${registry.url}/v2/lib/busybox/manifests/multi`, {
      method: "PUT",
      headers: { "content-type": index.mediaType },
      body: JSON.stringify(index),
    });
    expect(answer.status).toBe(201);
  }

  test.each([
    ["gzip", "application/vnd.oci.image.layer.v1.tar+gzip"],
    ["zstd", "application/vnd.oci.image.layer.v1.tar+zstd"],
    ["docker", "application/vnd.docker.image.rootfs.diff.tar.gzip"],
    ["oci", "application/vnd.oci.image.layer.v1.tar+gzip"],
    ["multi", "application/vnd.oci.image.index.v1+json"],
  ])("%s: pulled under the digest skopeo sees", async (tag, mediaType) => {
    const root = temporaryDirectory();
    const name = `${registry.host}/lib/busybox`;
    const { status, stdout, stderr } = await pullrun(
      ["pull", "-q", "--platform", "linux/amd64", `${name}:${tag}`],
      { root },
    );
    expect({ status, stderr: withoutWarnings(stderr) }).toEqual({ status: 0, stderr: "" });
    // Of an index skopeo shows the digest of the manifest it picks, unless it is read as it is.
    const inspect = ["inspect", "--raw", "--tls-verify=false", `docker://${name}:${tag}`];
    const raw = await mustRun("skopeo", inspect, { env: noLogin });
    expect(raw).toContain(`"${mediaType}"`);
    expect(stdout).toBe(`${name}@sha256:${createHash("sha256").update(raw).digest("hex")}\n`);
    if (tag !== "multi")
      expect(stdout).toBe(`${name}@${await skopeoDigest(registry.host, `lib/busybox:${tag}`)}\n`);
  });
});

describe.skipIf(needs !== "")(`${needs}a docker-registry that wants a login`, () => {
  async function pushed(registry: DockerRegistry): Promise<string> {
    await skopeoCopy(busybox(), `docker://${registry.host}/lib/busybox:latest`, {
      destinationCredentials: "ada:s3cret",
    });
    return `${registry.host}/lib/busybox`;
  }

  async function loginAndPull(registry: DockerRegistry): Promise<void> {
    const name = await pushed(registry);
    const scratch = temporaryDirectory();
    const env = { DOCKER_CONFIG: path.join(scratch, "docker") };
    const run = (args: readonly string[], input = "") =>
      pullrun(args, { root: path.join(scratch, "store"), env, input });
    const file = path.join(env.DOCKER_CONFIG, "config.json");

    const before = await run(["pull", "-q", name]);
    expect([before.status, before.stdout]).toEqual([1, ""]);
    expect(before.stderr).toContain(`pullrun login ${registry.host}`);
    const wrong = await run(["login", "-u", "ada", "--password-stdin", registry.host], "wr0ng\n");
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).not.toContain("wr0ng");
    expect(() => statSync(file)).toThrow(/ENOENT/);
    const right = await run(["login", "-u", "ada", "--password-stdin", registry.host], "s3cret\n");
    expect(right).toEqual({
      status: 0,
      stdout: "",
      stderr: `logged in to ${registry.host}; kept in ${file}\n`,
    });
    // A docker config of an ordinary umask would be everybody's to list.
    expect(statSync(env.DOCKER_CONFIG).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await run(["pull", "-q", name])).stdout).toMatch(/@sha256:[0-9a-f]{64}\n$/);
    // The other tools read what we have stored.
    await mustRun("skopeo", ["inspect", "--tls-verify=false", "--authfile", file, `docker://${name}`]);
    expect((await run(["logout", registry.host])).stderr).toBe(`logged out of ${registry.host}\n`);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ auths: {} });
  }

  test("by htpasswd: refused without, verified before it is stored, used for the pull, forgotten", async () => {
    const registry = await startDockerRegistry({ htpasswd: { ada: "s3cret" } });
    await loginAndPull(registry).finally(() => registry.close());
  });

  test("by tokens: refused without, verified before it is stored, used for the pull, forgotten", async () => {
    const issuer = await startTokenIssuer({
      dir: temporaryDirectory(),
      users: { ada: "s3cret" },
      anonymousPull: false,
    });
    const registry = await startDockerRegistry({ tokenIssuer: issuer });
    await loginAndPull(registry).finally(() => registry.close());
    await issuer.close();
  });

  test("takes a namespaced login from REGISTRY_AUTH_FILE, and from auth.json in XDG_RUNTIME_DIR", async () => {
    const registry = await startDockerRegistry({ htpasswd: { ada: "s3cret" } });
    const name = await pushed(registry);
    const scratch = temporaryDirectory();
    const file = path.join(scratch, "containers/auth.json");
    mkdirSync(path.dirname(file));
    const wrong = { auth: btoa("ada:wrong") };
    writeFileSync(
      file,
      JSON.stringify({
        auths: { [registry.host]: wrong, [`${registry.host}/lib`]: { auth: btoa("ada:s3cret") } },
      }),
    );
    for (const env of [{ REGISTRY_AUTH_FILE: file }, { XDG_RUNTIME_DIR: scratch }]) {
      const { status, stderr } = await pullrun(["pull", "-q", name], { root: temporaryDirectory(), env });
      expect({ status, stderr: withoutWarnings(stderr) }).toEqual({ status: 0, stderr: "" });
    }
    await registry.close();
  });

  test.skipIf(missing("script") !== "")(
    `${missing("script")}asks at a terminal, where the password does not show`,
    async () => {
      const registry = await startDockerRegistry({ htpasswd: { ada: "s3cret" } });
      const DOCKER_CONFIG = temporaryDirectory();
      const shown = await typeAtTerminal(`${pullrunPath} login ${registry.host}`, {
        env: { DOCKER_CONFIG },
        answers: [
          [/user name for .*: $/, "ada\n"],
          [/password: $/, "s3cret\n"],
        ],
      });
      await registry.close();
      expect([shown.includes("ada"), shown.includes("s3cret")]).toEqual([true, false]);
      expect(shown).toContain(`logged in to ${registry.host}`);
      const stored = readFileSync(path.join(DOCKER_CONFIG, "config.json"), "utf8");
      expect(JSON.parse(stored)).toEqual({ auths: { [registry.host]: { auth: btoa("ada:s3cret") } } });
    },
  );

  test("asks for the password in no other way than at a terminal or on standard input", async () => {
    const { status, stderr } = await pullrun(["login", "-u", "ada", "127.0.0.1:1"]);
    expect(status).toBe(2);
    expect(stderr).toContain("--password-stdin");
    const secretInArgv = await pullrun(["login", "-u", "ada", "-p", "s3cret", "127.0.0.1:1"]);
    expect([secretInArgv.status, secretInArgv.stderr.includes("unknown option")]).toEqual([2, true]);
  });
});

describe.skipIf(needs !== "")(`${needs}a docker-registry with TLS of its own authority`, () => {
  let dir: string;
  let registry: DockerRegistry;
  let ca: string;
  beforeAll(async () => {
    dir = mkdtempSync(path.join(tmpdir(), "pullrun-tls-"));
    const authority = await createAuthority(dir, "authority");
    ca = authority.certificate.certificate;
    registry = await startDockerRegistry({ tls: await authority.issue("registry") });
    await skopeoCopy(busybox(), `docker://${registry.host}/lib/busybox:latest`);
  });
  afterAll(async () => {
    await registry.close();
    rmSync(dir, { recursive: true });
  });

  test.each<[string, (config: string) => Record<string, string>]>([
    ["certs.d", (config) => ({ XDG_CONFIG_HOME: config })],
    ["SSL_CERT_FILE", () => ({ SSL_CERT_FILE: ca })],
    ["NODE_EXTRA_CA_CERTS", () => ({ NODE_EXTRA_CA_CERTS: ca })],
  ])("is pulled from once %s names the authority", async (way, envOf) => {
    const name = `${registry.host}/lib/busybox`;
    const config = temporaryDirectory();
    const certs = path.join(config, "pullrun/certs.d", registry.host);
    mkdirSync(certs, { recursive: true });
    if (way === "certs.d") writeFileSync(path.join(certs, "ca.crt"), readFileSync(ca));
    const refused = await pullrun(["pull", "-q", name], { root: temporaryDirectory() });
    expect([refused.status, refused.stderr.split("\n").length]).toEqual([1, 3]);
    expect(refused.stderr).toContain(`cannot reach ${registry.host}: certificate authority is unknown`);
    expect(refused.stderr).toContain(`certs.d/${registry.host}/ca.crt`);
    const { status, stderr } = await pullrun(["pull", "-q", name], {
      root: temporaryDirectory(),
      env: envOf(config),
    });
    expect({ status, stderr: withoutWarnings(stderr) }).toEqual({ status: 0, stderr: "" });
  });
});

describe.skipIf(needs !== "")(`${needs}a docker-registry as pull-through cache of another`, () => {
  test("serves the pull by hosts.toml, and again with the other one gone", async () => {
    const upstream = await startDockerRegistry();
    await skopeoCopy(busybox(), `docker://${upstream.host}/lib/busybox:latest`);
    const cache = await startDockerRegistry({ proxy: upstream.url });
    const config = temporaryDirectory();
    const certs = path.join(config, "pullrun/certs.d", upstream.host);
    mkdirSync(certs, { recursive: true });
    writeFileSync(
      path.join(certs, "hosts.toml"),
      `[host."${cache.url}"]\ncapabilities = ["pull", "resolve"]\n`,
    );
    const name = `${upstream.host}/lib/busybox`;
    const env = { XDG_CONFIG_HOME: config };
    const first = await pullrun(["pull", "-q", name], { root: temporaryDirectory(), env });
    expect(first.stdout).toBe(`${name}@${await skopeoDigest(upstream.host, "lib/busybox")}\n`);
    await upstream.close();
    const second = await pullrun(["pull", "-q", name], { root: temporaryDirectory(), env });
    await cache.close();
    expect(second).toEqual(first);
    const third = await pullrun(["pull", "-q", name], { root: temporaryDirectory(), env });
    expect(third.status).toBe(1);
    expect(third.stderr).toContain(`mirrors tried before: ${cache.host}`);
  });

  test("that is broken is passed over with one warning, by registries.conf too", async () => {
    const upstream = await startDockerRegistry();
    await skopeoCopy(busybox(), `docker://${upstream.host}/lib/busybox:latest`);
    const broken = await startTestRegistry({
      content: memoryContent(),
      faults: [{ on: /manifests|blobs/, trouble: { kind: "reply", status: 500 } }],
    });
    const file = path.join(temporaryDirectory(), "registries.conf");
    writeFileSync(
      file,
      `[[registry]]\nlocation = "${upstream.host}"\n[[registry.mirror]]\nlocation = "${broken.host}"\n`,
    );
    const env = { CONTAINERS_REGISTRIES_CONF: file };
    const { status, stderr } = await pullrun(["pull", "-q", `${upstream.host}/lib/busybox`], {
      root: temporaryDirectory(),
      env,
    });
    await upstream.close();
    await broken.close();
    expect(status).toBe(0);
    expect(stderr.match(/^warning: mirror /gm)).toHaveLength(1);
    expect(broken.lines()).toEqual(["GET /v2/", "HEAD /v2/lib/busybox/manifests/latest"]);
  });
});

test.each<[string, Trouble]>([
  ["alters every layer", { kind: "flip", at: 100 }],
  ["breaks off in every layer", { kind: "reset", after: 50 }],
  ["sends every layer as something else", { kind: "reply", status: 200, body: "<html>" }],
])("R31, R37: a mirror that %s is made good by the registry", async (_, trouble) => {
  const content = layoutContent(demoLayout, { repository: "fixture" });
  const upstream = await startTestRegistry({ content });
  const mirror = await startTestRegistry({ content, faults: [{ on: /GET .*blobs/, trouble }] });
  const config = temporaryDirectory();
  const certs = path.join(config, "pullrun/certs.d", upstream.host);
  mkdirSync(certs, { recursive: true });
  writeFileSync(path.join(certs, "hosts.toml"), `[host."${mirror.url}"]\n`);
  const root = temporaryDirectory();
  const image = `${upstream.host}/pullrun/compressions`;
  const { status, stdout } = await pullrun(["pull", "-q", image], { root, env: { XDG_CONFIG_HOME: config } });
  await upstream.close();
  await mirror.close();
  expect([status, stdout]).toEqual([0, expect.stringContaining("/pullrun/compressions@sha256:")]);
  const layersOf = (lines: readonly string[]): number =>
    lines.filter((line) => line.includes("/blobs/")).length;
  expect(layersOf(mirror.lines())).toBeGreaterThan(0);
  expect(layersOf(upstream.lines())).toBeGreaterThan(0);
});
