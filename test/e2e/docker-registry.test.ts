import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeLayout } from "../../fixtures/layout.js";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import {
  alpineImage,
  missing,
  readLayout,
  seedStorage,
  sharedLayout,
  skopeoCopy,
  startDockerRegistry,
  startTokenIssuer,
  type DockerRegistry,
} from "../support/peers.js";
import { needsNamespaces } from "../support/namespaces.js";
import { serveFixtures } from "../support/served.js";
import { isRoot } from "../support/tools.js";

/** The genuine images, in Debian's docker-registry. */
const needs = [
  missing("docker-registry", "skopeo"),
  sharedLayout("hello-world") === undefined ? "needs ../shared/images: " : "",
  isRoot ? needsNamespaces : "needs root: ",
].join("");

/** What `docker run hello-world` prints, as far as it is the same for every build of the image. */
const helloStart =
  "\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n";

describe.skipIf(needs !== "")(`${needs}Debian's docker-registry holding genuine images`, () => {
  let scratch: string;
  let registry: DockerRegistry;

  beforeAll(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), "pullrun-peer-"));
    registry = await startDockerRegistry();
    await pushAll(registry.host);
  });
  afterAll(async () => {
    await registry.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function pushAll(host: string): Promise<void> {
    const alpine = alpineImage();
    if (alpine === undefined) throw new Error("no alpine beside the other images");
    await writeLayout(path.join(scratch, "alpine"), alpine);
    await skopeoCopy(`oci:${sharedLayout("hello-world")}`, `docker://${host}/library/hello-world:latest`);
    await skopeoCopy(`oci:${sharedLayout("busybox")}`, `docker://${host}/library/busybox:latest`);
    await skopeoCopy(
      `oci:${path.join(scratch, "alpine")}:library/alpine:3.20`,
      `docker://${host}/library/alpine:3.20`,
    );
  }

  test("hello-world prints what it prints, and again from the store with the registry stopped", async () => {
    const own = await startDockerRegistry();
    await skopeoCopy(`oci:${sharedLayout("hello-world")}`, `docker://${own.host}/library/hello-world:latest`);
    const root = temporaryDirectory();
    const name = `${own.host}/library/hello-world`;
    const first = await pullrun([name], { root });
    expect(first.status).toBe(0);
    expect(first.stdout.startsWith(helloStart)).toBe(true);
    await own.close();
    const second = await pullrun(["run", "--rm", "--pull=never", name], { root });
    expect(second).toEqual({ status: 0, stdout: first.stdout, stderr: "" });
  });

  describe.each(["busybox:latest", "alpine:3.20"])("%s", (image) => {
    const name = (): string => `${registry.host}/library/${image}`;

    test("runs a shell command with pipes and variables", async () => {
      const script = 'x=$(echo one two | wc -w); echo "$x words, pid $$, user $(id -u), $(hostname | wc -c)"';
      const { status, stdout } = await pullrun(["run", "--rm", "-q", name(), "sh", "-c", script], {
        root: temporaryDirectory(),
      });
      expect({ status, stdout }).toEqual({ status: 0, stdout: "2 words, pid 1, user 0, 13\n" });
    });

    test("cat passes 20 MB through -i unchanged", async () => {
      const input = "0123456789abcdef\n".repeat((20 * 1024 * 1024) / 17);
      const { status, stdout } = await pullrun(["run", "--rm", "-q", "-i", name(), "cat"], {
        root: temporaryDirectory(),
        input,
      });
      expect(status).toBe(0);
      expect(stdout === input).toBe(true);
    });

    test.each([
      [0, ["true"]],
      [42, ["sh", "-c", "exit 42"]],
      [126, ["/etc"]],
      [126, ["/etc/passwd"]],
      [127, ["nothing-of-this-name"]],
      [137, ["sh", "-c", "sh -c 'kill -9 $$; :'; exit $?"]],
    ])("gives back %i for %j", async (status, command) => {
      expect(
        (await pullrun(["run", "--rm", "-q", name(), ...command], { root: temporaryDirectory() })).status,
      ).toBe(status);
    });
  });

  test("the 23-entry index, served by our own serve, resolves to linux/amd64 and keeps its digests", async () => {
    const layout = sharedLayout("hello-world") ?? "";
    const image = readLayout(layout);
    const served = await serveFixtures(layout, "library/hello-world");
    const root = temporaryDirectory();
    const name = `${served.host}/library/hello-world`;
    const { stdout } = await pullrun(["pull", "-q", name], { root });
    const inspected = await pullrun(["verify", "--json"], { root });
    await served.close();
    expect(stdout).toBe(`${name}@${image.descriptor.digest}\n`);
    expect(inspected.status).toBe(0);
    expect(
      (await pullrun(["run", "--rm", "--pull=never", name], { root })).stdout.startsWith(helloStart),
    ).toBe(true);
  });

  test("the 23-entry index, seeded whole, resolves to linux/amd64 and keeps its digest", async () => {
    const sharded = await startDockerRegistry();
    const image = readLayout(sharedLayout("hello-world") ?? "");
    await seedStorage(sharded.storage, "library/hello-world:latest", image);
    const { stdout } = await pullrun(["pull", "-q", `${sharded.host}/library/hello-world`], {
      root: temporaryDirectory(),
    });
    await sharded.close();
    expect(stdout).toBe(`${sharded.host}/library/hello-world@${image.descriptor.digest}\n`);
  });
});

describe.skipIf(needs !== "")(`${needs}docker-registry with token authentication by our own issuer`, () => {
  test("a user with credentials in docker's config.json pulls, one without is told so", async () => {
    const scratch = temporaryDirectory();
    const issuer = await startTokenIssuer({ dir: scratch, users: { ada: "secret" }, anonymousPull: false });
    const registry = await startDockerRegistry({ tokenIssuer: issuer });
    const destination = `docker://${registry.host}/library/hello-world:latest`;
    await skopeoCopy(`oci:${sharedLayout("hello-world")}`, destination, {
      destinationCredentials: "ada:secret",
    });
    const name = `${registry.host}/library/hello-world`;
    const auth = Buffer.from("ada:secret").toString("base64");
    writeFileSync(
      path.join(scratch, "config.json"),
      JSON.stringify({ auths: { [registry.host]: { auth } } }),
    );

    const refused = await pullrun([name], { root: temporaryDirectory() });
    const allowed = await pullrun([name], { root: temporaryDirectory(), env: { DOCKER_CONFIG: scratch } });
    await registry.close();
    await issuer.close();
    expect(refused.status).toBe(125);
    expect(refused.stderr).toMatch(/pullrun: .*(unauthorized|denied|login|authentication)/i);
    expect(allowed.stdout.startsWith(helloStart)).toBe(true);
    expect(refused.stderr + allowed.stderr).not.toMatch(/secret|YWRhOnNlY3JldA/);
  });
});
