import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "../../src/core/limits.js";
import { parseManifest } from "../../src/core/manifest.js";
import { manifestAccept } from "../../src/core/media-types.js";
import { parsePlatform } from "../../src/core/platform.js";
import { selectManifest } from "../../src/core/select.js";
import type { Credentials } from "../../src/registry/credentials.js";
import { networkFiles } from "../support/network-files.js";
import { addImage, memoryContent } from "../support/registry.js";
import { noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const api = "https://registry-1.docker.io";
const scope = "repository:library/hello-world:pull";
const content = memoryContent();
const image = addImage(content, {
  repository: "library/hello-world",
  tag: "latest",
  layers: [patternBytes(100)],
  platform: parsePlatform("linux/amd64"),
  index: true,
});

async function bytesOf(digest: typeof image.top.digest): Promise<Buffer> {
  const opened = await content.open(digest);
  return Buffer.concat(opened ? await Array.fromAsync(opened.body) : []);
}

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

/** Every request Docker Hub expects for one image, in order, with the headers that matter; no other is answered. */
async function expectConversation(tokenRequest: {
  readonly account?: string;
  readonly authorization?: string;
}): Promise<string[]> {
  const seen: string[] = [];
  const manifest = "/v2/library/hello-world/manifests";
  const challenge = `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="${scope}"`;
  const described = { "content-type": image.top.mediaType, "docker-content-digest": image.top.digest };
  const authorized = { reqheaders: { authorization: "Bearer t0ken", "accept-encoding": "identity" } };
  const accepting = { reqheaders: { ...authorized.reqheaders, accept: manifestAccept.join(", ") } };

  nock(api, { badheaders: ["authorization"] })
    .head(`${manifest}/latest`)
    .reply(401, undefined, { "www-authenticate": challenge });
  const { account, authorization } = tokenRequest;
  nock(
    "https://auth.docker.io",
    authorization === undefined ? { badheaders: ["authorization"] } : { reqheaders: { authorization } },
  )
    .get("/token")
    .query({ service: "registry.docker.io", scope, ...(account === undefined ? {} : { account }) })
    .reply(200, {
      token: "t0ken",
      access_token: "t0ken",
      expires_in: 300,
      issued_at: "2026-01-01T00:00:00Z",
    });
  nock(api, accepting)
    .head(`${manifest}/latest`)
    .reply(200, undefined, { ...described, "content-length": String(image.top.size) });
  for (const { digest, mediaType } of [image.top, image.manifest]) {
    const headers = { "content-type": mediaType, "docker-content-digest": digest };
    nock(api, accepting)
      .get(`${manifest}/${digest}`)
      .reply(200, await bytesOf(digest), headers);
  }
  nock(api, authorized)
    .get(`/v2/library/hello-world/blobs/${image.config.digest}`)
    .reply(307, "", { location: "https://production.cloudfront.docker.com/config?Signature=x" });
  nock("https://production.cloudfront.docker.com", { badheaders: ["authorization"] })
    .get("/config?Signature=x")
    .reply(200, await bytesOf(image.config.digest));
  nock.emitter.removeAllListeners("no match");
  nock.emitter.on("no match", (request) => void seen.push(`unexpected ${request.url}`));
  return seen;
}

async function converse(credentials?: Credentials): Promise<void> {
  const source = openTestRepository("hello-world", { credentials: () => Promise.resolve(credentials) });
  const top = await source.resolve(noAbort);
  expect(top).toEqual(image.top);
  const index = parseManifest("index", await source.document(top, noAbort), top.mediaType);
  if (index.kind !== "index") throw new Error("not an index");
  const entry = selectManifest("hello-world", index, parsePlatform("linux/amd64"));
  const manifest = parseManifest("manifest", await source.document(entry, noAbort), entry.mediaType);
  if (manifest.kind !== "manifest") throw new Error("not a manifest");
  const config = await source.smallBlob(manifest.config, limits.configBytes, noAbort);
  expect(config.length).toBe(image.config.size);
  source.close();
}

test("the conversation with Docker Hub is 401, token, HEAD, index, manifest, config, and nothing else", async () => {
  const unexpected = await expectConversation({});
  await converse();
  expect(nock.pendingMocks()).toEqual([]);
  expect(unexpected).toEqual([]);
});

test("a Docker Hub login is shown to auth.docker.io and to nobody else", async () => {
  const authorization = `Basic ${Buffer.from("alice:pw").toString("base64")}`;
  const unexpected = await expectConversation({ account: "alice", authorization });
  await converse({ kind: "password", username: "alice", password: "pw", source: "test" });
  expect(nock.pendingMocks()).toEqual([]);
  expect(unexpected).toEqual([]);
});

test("with Docker Hub unreachable the error is one line that names host and cause", async () => {
  const failure = Object.assign(new Error("getaddrinfo ENOTFOUND registry-1.docker.io"), {
    code: "ENOTFOUND",
  });
  nock(api).head("/v2/library/hello-world/manifests/latest").replyWithError(failure);
  const source = openTestRepository("hello-world");
  await expect(source.resolve(noAbort)).rejects.toMatchObject({
    code: "DNS",
    message: "cannot reach registry-1.docker.io: name not found (ENOTFOUND)",
    hint: expect.stringContaining("pullrun demo") as unknown,
  });
  source.close();
});

test("a Docker Hub that has had enough of us: what to do about it is in the hint", async () => {
  const headers = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600" };
  nock(api).head("/v2/library/hello-world/manifests/latest").times(3).reply(429, undefined, headers);
  const source = openTestRepository("hello-world");
  await expect(source.resolve(noAbort)).rejects.toMatchObject({
    code: "RATE_LIMITED",
    message: expect.stringContaining("registry-1.docker.io, 0 of 100 pulls in 6 h left (429)") as unknown,
    hint: "wait a while, log in for a higher limit (`pullrun login`), or set up a mirror (certs.d/docker.io/hosts.toml)",
  });
  source.close();
});

test("a mirror of Docker Hub is asked for docker.io's image, and gets no Docker Hub login though it asks for one", async () => {
  const mirror = "https://mirror.example";
  const manifest = "/v2/library/hello-world/manifests";
  const ns = { ns: "docker.io" };
  const realm = { "www-authenticate": `Bearer realm="${mirror}/token",service="mirror"` };
  nock(mirror, { badheaders: ["authorization"] })
    .head(`${manifest}/latest`)
    .query(ns)
    .reply(401, undefined, realm)
    .get("/token")
    .query({ service: "mirror", scope })
    .reply(200, { token: "anon" });
  nock(mirror, { reqheaders: { authorization: "Bearer anon" } })
    .head(`${manifest}/latest`)
    .query(ns)
    .reply(200, undefined, {
      "content-type": image.top.mediaType,
      "docker-content-digest": image.top.digest,
      "content-length": String(image.top.size),
    })
    .get(`${manifest}/${image.top.digest}`)
    .query(ns)
    .reply(200, await bytesOf(image.top.digest));
  const source = openTestRepository("hello-world", {
    network: networkFiles({ "certs.d/docker.io/hosts.toml": `[host."${mirror}"]\n` }),
    credentials: (place) =>
      Promise.resolve(
        place.startsWith("docker.io")
          ? { kind: "password", username: "alice", password: "pw", source: "test" }
          : undefined,
      ),
  });
  expect(await source.document(await source.resolve(noAbort), noAbort)).toHaveLength(image.top.size);
  source.close();
  expect(nock.pendingMocks()).toEqual([]);
});
