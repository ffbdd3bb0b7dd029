import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeLayout } from "../../fixtures/layout.js";
import { digestOf } from "../../src/core/digest.js";
import { manifestAccept } from "../../src/core/media-types.js";
import { selfSigned } from "./certificate.js";
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
  type DockerRegistryOptions,
} from "./peers.js";

const hello = sharedLayout("hello-world");
const noImages = hello === undefined ? "needs ../shared/images: " : "";
const accept = manifestAccept.join(", ");

let dir: string;
const registries: DockerRegistry[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "pullrun-peers-"));
});
afterAll(async () => {
  for (const registry of registries) await registry.close();
  await rm(dir, { recursive: true });
});

async function start(options?: DockerRegistryOptions): Promise<DockerRegistry> {
  const registry = await startDockerRegistry(options);
  registries.push(registry);
  return registry;
}

async function manifest(
  registry: DockerRegistry,
  name: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const colon = name.indexOf(":");
  const [repository, reference] = [name.slice(0, colon), name.slice(colon + 1)];
  return await fetch(`${registry.url}/v2/${repository}/manifests/${reference}`, {
    headers: { accept, ...headers },
  });
}

const push = missing("docker-registry", "skopeo");
describe.skipIf(push + noImages !== "")(`${push}${noImages}docker-registry with skopeo`, () => {
  test("takes the genuine hello-world for one platform and gives back the very bytes of its manifest", async () => {
    const registry = await start();
    await skopeoCopy(`oci:${hello}:latest`, `docker://${registry.host}/library/hello-world:latest`);
    const bytes = Buffer.from(await (await manifest(registry, "library/hello-world:latest")).arrayBuffer());
    expect(readLayout(hello ?? "").blobs.get(digestOf(bytes))).toEqual(bytes);
  });

  test("takes an image made of Alpine's root filesystem", async () => {
    const alpine = alpineImage();
    if (alpine === undefined) throw new Error("alpine is not beside hello-world");
    const registry = await start();
    await writeLayout(join(dir, "alpine"), alpine);
    await skopeoCopy(
      `oci:${join(dir, "alpine")}:library/alpine:3.20`,
      `docker://${registry.host}/library/alpine:3.20`,
    );
    const response = await manifest(registry, "library/alpine:3.20");
    expect(response.headers.get("docker-content-digest")).toBe(alpine.images[0]?.descriptor.digest);
  });
});

const server = missing("docker-registry");
describe.skipIf(server + noImages !== "")(`${server}${noImages}docker-registry's storage, seeded`, () => {
  test("serves the genuine hello-world index, although most of its manifests are not there", async () => {
    const registry = await start();
    const image = readLayout(hello ?? "");
    await seedStorage(registry.storage, "library/hello-world:latest", image);
    const response = await manifest(registry, "library/hello-world:latest");
    const index = (await response.json()) as { manifests: readonly { digest: string }[] };
    expect(response.headers.get("docker-content-digest")).toBe(image.descriptor.digest);
    expect(index.manifests).toHaveLength(23);
    const there = await Promise.all(
      index.manifests.map(({ digest }) => manifest(registry, `library/hello-world:${digest}`)),
    );
    expect(there.filter((child) => child.ok)).toHaveLength(1);
  });
});

const basic = missing("docker-registry", "htpasswd");
describe.skipIf(basic !== "")(`${basic}docker-registry with htpasswd`, () => {
  test("wants the password it was given", async () => {
    const registry = await start({ htpasswd: { ada: "difference engine" } });
    const login = (password: string): Promise<Response> =>
      fetch(`${registry.url}/v2/`, { headers: { authorization: `Basic ${btoa(`ada:${password}`)}` } });
    expect((await fetch(`${registry.url}/v2/`)).headers.get("www-authenticate")).toBe(
      'Basic realm="pullrun test"',
    );
    expect((await login("wrong")).status).toBe(401);
    expect((await login("difference engine")).status).toBe(200);
  });
});

const tls = missing("docker-registry", "openssl");
describe.skipIf(tls !== "")(`${tls}docker-registry with TLS`, () => {
  test("answers on https with a certificate for 127.0.0.1", async () => {
    const certificate = await selfSigned(dir, "tls");
    const registry = await start({ tls: certificate });
    const status = await new Promise((resolve, reject) => {
      get(`${registry.url}/v2/`, { ca: certificate.pem, agent: false }, (response) =>
        resolve(response.resume().statusCode),
      ).on("error", reject);
    });
    expect(status).toBe(200);
  });
});

const tokens = missing("docker-registry", "openssl", "skopeo");
describe.skipIf(tokens + noImages !== "")(`${tokens}${noImages}docker-registry with our token issuer`, () => {
  const users = { ada: "difference engine" };
  const scope = "repository:library/hello-world:pull";

  test("answers 401 with a challenge, then 200 with the issuer's token; pushing takes a user", async () => {
    const tokenIssuer = await startTokenIssuer({ dir, users, anonymousPull: true });
    const registry = await start({ tokenIssuer });
    const name = "library/hello-world:latest";
    const target = `docker://${registry.host}/${name}`;
    await expect(skopeoCopy(`oci:${hello}:latest`, target)).rejects.toThrow(/denied|unauthorized/);
    await skopeoCopy(`oci:${hello}:latest`, target, { destinationCredentials: "ada:difference engine" });

    const refused = await manifest(registry, name);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe(
      `Bearer realm="${tokenIssuer.realm}",service="${tokenIssuer.service}",scope="${scope}"`,
    );
    const query = new URLSearchParams({ service: tokenIssuer.service, scope });
    const { token } = (await (await fetch(`${tokenIssuer.realm}?${query.toString()}`)).json()) as {
      token: string;
    };
    expect((await manifest(registry, name, { authorization: `Bearer ${token}` })).status).toBe(200);
    expect(tokenIssuer.log.at(-1)).toBe(`- ${scope}`);
    await tokenIssuer.close();
  });

  test.each([
    ["a wrong password", { anonymousPull: true, authorization: `Basic ${btoa("ada:wrong")}` }, 401],
    ["nobody, if pulling needs a user", { anonymousPull: false }, 401],
    [
      "the right password",
      { anonymousPull: false, authorization: `Basic ${btoa("ada:difference engine")}` },
      200,
    ],
  ])("the issuer answers %s", async (_who, { anonymousPull, ...headers }, status) => {
    const issuer = await startTokenIssuer({ dir, users, anonymousPull });
    const response = await fetch(`${issuer.realm}?scope=${scope}`, { headers });
    await issuer.close();
    expect(response.status).toBe(status);
  });
});
