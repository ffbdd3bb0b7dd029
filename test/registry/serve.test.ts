import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type RequestRecord, type RunningServer } from "../../src/registry/serve.js";
import { parseRange } from "../../src/registry/serve-range.js";
import { addImage, memoryContent, type TestImage } from "../support/registry.js";
import { patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const layer = patternBytes(200_000);
const records: RequestRecord[] = [];
let image: TestImage;
let server: RunningServer;
beforeAll(async () => {
  image = addImage(content, { repository: "team/app", tag: "v1", layers: [layer], compression: "none" });
  content.tag("team/app", "latest", image.top);
  server = await startServer({ content, onRequest: (record) => records.push(record) });
});
afterAll(() => server.close());

function get(path: string, init?: RequestInit): Promise<Response> {
  return fetch(server.url + path, init);
}

describe("range headers", () => {
  test.each([
    ["bytes=0-", { start: 0, end: 100 }],
    ["bytes=10-19", { start: 10, end: 20 }],
    ["bytes=90-1000", { start: 90, end: 100 }],
    ["bytes=-10", { start: 90, end: 100 }],
    ["bytes=-1000", { start: 0, end: 100 }],
    ["bytes=99-99", { start: 99, end: 100 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=20-10", undefined],
    ["bytes=-", undefined],
    ["bytes=0-1,5-6", undefined],
    ["items=0-1", undefined],
    ["bytes=0x10-", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s of 100 bytes", (header, span) => {
    expect(parseRange(header, 100)).toEqual(span);
  });
});

describe("a served registry", () => {
  test("answers the version check", async () => {
    const response = await get("/v2/");
    expect(response.status).toBe(200);
    expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
  });

  test.each(["GET", "HEAD"])("gives a manifest by tag and by digest to %s", async (method) => {
    for (const reference of ["v1", image.top.digest]) {
      const response = await get(`/v2/team/app/manifests/${reference}`, { method });
      expect(response.status).toBe(200);
      expect(response.headers.get("docker-content-digest")).toBe(image.top.digest);
      expect(response.headers.get("content-type")).toBe(image.top.mediaType);
      expect(response.headers.get("content-length")).toBe(String(image.top.size));
      expect((await response.arrayBuffer()).byteLength).toBe(method === "GET" ? image.top.size : 0);
    }
  });

  test("gives a blob whole, in part, and no byte of it to HEAD", async () => {
    const path = `/v2/team/app/blobs/${image.layers[0]?.digest ?? ""}`;
    const whole = await get(path);
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(layer);
    const part = await get(path, { headers: { range: "bytes=70000-139999" } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe("bytes 70000-139999/200000");
    expect(Buffer.from(await part.arrayBuffer())).toEqual(layer.subarray(70_000, 140_000));
    const head = await get(path, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe("200000");
    expect((await head.arrayBuffer()).byteLength).toBe(0);
    const beyond = await get(path, { headers: { range: "bytes=200000-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */200000"]);
  });

  test("lists tags, also page by page", async () => {
    expect(await (await get("/v2/team/app/tags/list")).json()).toEqual({
      name: "team/app",
      tags: ["latest", "v1"],
    });
    const first = await get("/v2/team/app/tags/list?n=1");
    expect(await first.json()).toEqual({ name: "team/app", tags: ["latest"] });
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await get(next);
    expect(await second.json()).toEqual({ name: "team/app", tags: ["v1"] });
    expect(second.headers.get("link")).toBeNull();
  });

  test.each([
    ["an unknown tag", "GET", "/v2/team/app/manifests/v2", 404, "MANIFEST_UNKNOWN"],
    ["an unknown repository", "GET", "/v2/team/other/manifests/v1", 404, "MANIFEST_UNKNOWN"],
    ["an unknown digest", "GET", `/v2/team/app/manifests/sha256:${"0".repeat(64)}`, 404, "MANIFEST_UNKNOWN"],
    ["an unknown blob", "GET", `/v2/team/app/blobs/sha256:${"0".repeat(64)}`, 404, "BLOB_UNKNOWN"],
    ["no tags", "GET", "/v2/team/other/tags/list", 404, "NAME_UNKNOWN"],
    ["a name in upper case", "GET", "/v2/Team/manifests/v1", 400, "NAME_INVALID"],
    ["a path that climbs", "GET", "/v2/%2e%2e/%2e%2e/etc/manifests/passwd", 404, "UNSUPPORTED"],
    ["an encoded slash", "GET", "/v2/a%2f..%2fb/manifests/v1", 400, "NAME_INVALID"],
    ["a digest in upper case", "GET", `/v2/team/app/blobs/sha256:${"A".repeat(64)}`, 400, "DIGEST_INVALID"],
    ["another algorithm", "GET", `/v2/team/app/manifests/md5:${"0".repeat(32)}`, 400, "DIGEST_INVALID"],
    ["a tag that is none", "GET", "/v2/team/app/manifests/.hidden", 404, "MANIFEST_UNKNOWN"],
    ["some other path", "GET", "/", 404, "UNSUPPORTED"],
    ["an upload", "POST", "/v2/team/app/blobs/uploads/", 405, "UNSUPPORTED"],
    ["a deletion", "DELETE", "/v2/team/app/manifests/v1", 405, "UNSUPPORTED"],
  ])("answers %s in the spec's words", async (_, method, path, status, code) => {
    const response = await get(path, { method });
    expect([response.status, await response.json()]).toEqual([
      status,
      { errors: [expect.objectContaining({ code })] },
    ]);
  });

  test("reports each request once it is over", async () => {
    records.length = 0;
    await (await get("/v2/team/app/manifests/v1")).arrayBuffer();
    await expect
      .poll(() => records)
      .toEqual([{ method: "GET", url: "/v2/team/app/manifests/v1", status: 200, bytes: image.top.size }]);
  });

  test("refuses a second server on its port, naming it", async () => {
    await expect(startServer({ content, port: server.port })).rejects.toMatchObject({
      code: "REFUSED",
      message: `serve: 127.0.0.1:${server.port}: cannot listen: already in use`,
    });
  });
});

describe("a server with token auth", () => {
  async function withServer(auth: object, run: (url: string) => Promise<void>): Promise<void> {
    const guarded = await startServer({ content, auth });
    try {
      await run(guarded.url);
    } finally {
      await guarded.close();
    }
  }

  async function token(url: string, scope: string, headers: Record<string, string> = {}): Promise<string> {
    const response = await fetch(`${url}/token?service=pullrun&scope=${encodeURIComponent(scope)}`, {
      headers,
    });
    return ((await response.json()) as { token?: string }).token ?? `none: ${response.status}`;
  }

  function manifest(url: string, bearer?: string): Promise<Response> {
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    return fetch(`${url}/v2/team/app/manifests/v1`, { headers });
  }

  test("challenges with the realm the client can reach and the scope it needs", async () => {
    await withServer({}, async (url) => {
      const response = await manifest(url);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe(
        `Bearer realm="${url}/token",service="pullrun",scope="repository:team/app:pull"`,
      );
      expect((await fetch(`${url}/v2/`)).headers.get("www-authenticate")).toBe(
        `Bearer realm="${url}/token",service="pullrun"`,
      );
    });
  });

  test("does not repeat a hostile Host header into its challenge", async () => {
    await withServer({}, async (url) => {
      const header = await new Promise<string | undefined>((resolve, reject) => {
        const request = httpRequest(`${url}/v2/`, { headers: { host: 'x",evil="y' } }, (response) => {
          response.resume();
          resolve(response.headers["www-authenticate"]);
        });
        request.on("error", reject).end();
      });
      expect(header).toBe(`Bearer realm="${url}/token",service="pullrun"`);
    });
  });

  test("takes a token only for the repository it was issued for, and only for pulling", async () => {
    await withServer({}, async (url) => {
      expect((await manifest(url, await token(url, "repository:team/app:pull"))).status).toBe(200);
      expect((await manifest(url, await token(url, "repository:team/other:pull"))).status).toBe(401);
      expect((await manifest(url, await token(url, "repository:team/app:push"))).status).toBe(401);
      expect((await manifest(url, "made-up")).status).toBe(401);
    });
  });

  test("takes a token no longer than it lives", async () => {
    await withServer({ lifeSeconds: 0 }, async (url) => {
      expect((await manifest(url, await token(url, "repository:team/app:pull"))).status).toBe(401);
    });
  });

  test("with a user name, issues tokens only to who knows the password", async () => {
    await withServer({ username: "alice", password: "a:b" }, async (url) => {
      const basic = (pair: string): { authorization: string } => ({
        authorization: `Basic ${Buffer.from(pair).toString("base64")}`,
      });
      const scope = "repository:team/app:pull";
      expect(await token(url, scope)).toBe("none: 401");
      expect(await token(url, scope, basic("alice:wrong"))).toBe("none: 401");
      expect(await token(url, scope, basic("alice"))).toBe("none: 401");
      expect((await manifest(url, await token(url, scope, basic("alice:a:b")))).status).toBe(200);
    });
  });
});
