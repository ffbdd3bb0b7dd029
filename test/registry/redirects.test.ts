import { afterEach, describe, expect, test } from "vitest";
import {
  createHttpClient,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
} from "../../src/registry/http.js";
import { follow } from "../../src/registry/redirects.js";
import { addImage, memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { collect, noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const layer = patternBytes(300_000);
const image = addImage(content, { repository: "team/app", tag: "v1", layers: [layer], compression: "none" });
const blobPath = `/v2/team/app/blobs/${image.layers[0]!.digest}`;

const open: TestRegistry[] = [];
afterEach(async () => {
  for (const registry of open.splice(0)) await registry.close();
});

async function start(auth?: object): Promise<TestRegistry> {
  const registry = await startTestRegistry({ content, ...(auth ? { auth } : {}) });
  open.push(registry);
  return registry;
}

async function readLayer(registry: TestRegistry): Promise<Buffer> {
  const source = openTestRepository(`${registry.host}/team/app:v1`);
  try {
    return await collect(await source.read(image.layers[0]!, { offset: 0, signal: noAbort }));
  } finally {
    source.close();
  }
}

describe("redirects of a registry", () => {
  test("R11: are followed to another host, without the authorization", async () => {
    const cdn = await start();
    const registry = await start({});
    registry.script([
      {
        on: /blobs/,
        occurrences: [2],
        trouble: { kind: "redirect", to: `${cdn.url}${blobPath}?sig=a%2Fb+c` },
      },
    ]);
    expect(await readLayer(registry)).toEqual(layer);
    expect(registry.requests.at(-1)?.headers.authorization).toMatch(/^Bearer /);
    expect(cdn.requests[0]?.headers.authorization).toBeUndefined();
    expect(cdn.requests[0]?.url).toBe(`${blobPath}?sig=a%2Fb+c`);
  });

  test("keep the range when a download goes on", async () => {
    const cdn = await start();
    const registry = await start();
    registry.script([{ on: /blobs/, trouble: { kind: "redirect", to: cdn.url + blobPath } }]);
    cdn.script([{ on: /blobs/, occurrences: [1], trouble: { kind: "truncate", after: 100_000 } }]);
    expect(await readLayer(registry)).toEqual(layer);
    expect(cdn.requests[1]?.headers.range).toBe("bytes=100000-");
  });

  test("R12: that lead away and back never get the authorization again", async () => {
    const other = await start();
    const registry = await start({});
    other.script([{ on: /blobs/, trouble: { kind: "redirect", to: registry.url + blobPath } }]);
    registry.script([
      { on: /blobs/, occurrences: [2], trouble: { kind: "redirect", to: other.url + blobPath } },
    ]);
    await expect(readLayer(registry)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    const last = registry.requests
      .filter(({ url }) => url.includes("blobs"))
      .map(({ headers }) => headers.authorization);
    expect(last.slice(0, 3)).toEqual([undefined, expect.stringMatching(/^Bearer /), undefined]);
  });

  test("R11: to a host that asks for a login get none", async () => {
    const trap = await start();
    trap.script([
      {
        on: /./,
        trouble: { kind: "reply", status: 401, headers: { "www-authenticate": 'Basic realm="give"' } },
      },
    ]);
    const registry = await start();
    registry.script([{ on: /blobs/, trouble: { kind: "redirect", to: trap.url } }]);
    let asked = 0;
    const source = openTestRepository(`${registry.host}/team/app:v1`, {
      credentials() {
        asked += 1;
        return Promise.resolve({ kind: "password", username: "a", password: "b", source: "test" });
      },
    });
    const body = await source.read(image.layers[0]!, { offset: 0, signal: noAbort });
    await expect(collect(body)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(asked).toBe(0);
    expect(trap.requests).toHaveLength(1);
    source.close();
  });

  test("R18: end after ten hops", async () => {
    const registry = await start();
    registry.script([{ on: /blobs/, trouble: { kind: "redirect", to: blobPath } }]);
    await expect(readLayer(registry)).rejects.toThrow(/more than 10 redirects/);
    expect(registry.lines().filter((line) => line.includes("blobs"))).toHaveLength(11);
  });

  test.each([
    ["the metadata service", "http://169.254.169.254/latest/meta-data", /local network/],
    ["a private address", "http://10.0.0.1/blob", /local network/],
    ["a private IPv6 address", "http://[fd00::1]/blob", /local network/],
    ["a file", "file:///etc/passwd", /not http/],
    ["a unix socket", "unix:/var/run/docker.sock:/images/json", /not http/],
    ["no URL", "http://[", /no URL/],
  ])("R15, R17: to %s are refused", async (_, to, message) => {
    const registry = await start();
    registry.script([{ on: /blobs/, trouble: { kind: "redirect", to } }]);
    await expect(readLayer(registry)).rejects.toThrow(message);
    await expect(readLayer(registry)).rejects.toMatchObject({ code: "REDIRECT_REFUSED" });
  });

  test("without a location are refused", async () => {
    const registry = await start();
    registry.script([{ on: /blobs/, trouble: { kind: "reply", status: 307 } }]);
    await expect(readLayer(registry)).rejects.toThrow(/without a location/);
  });
});

describe("hops, one by one", () => {
  const start = new URL("https://registry.example/v2/a/blobs/x");

  /** A client that answers from a table of redirects and remembers what it was asked. */
  function scripted(hops: Readonly<Record<string, string>>): { client: HttpClient; sent: HttpRequest[] } {
    const sent: HttpRequest[] = [];
    const client: HttpClient = {
      send(request) {
        sent.push(request);
        const to = hops[request.url.href];
        const response: HttpResponse = {
          status: to === undefined ? 200 : 302,
          url: request.url,
          header: (name) => (name === "location" ? to : undefined),
          body: (async function* () {})(),
          discard: () => undefined,
        };
        return Promise.resolve(response);
      },
      close: () => undefined,
    };
    return { client, sent };
  }

  test("R12: from https down to http are refused, on the registry's own host too", async () => {
    for (const to of ["http://registry.example/v2/a/blobs/x", "http://cdn.example/x"]) {
      const { client, sent } = scripted({ [start.href]: to });
      const followed = follow(client, {
        method: "GET",
        url: start,
        authorization: "Bearer t",
        signal: noAbort,
      });
      await expect(followed).rejects.toThrow(/from https down to/);
      expect(sent).toHaveLength(1);
    }
  });

  test("R12: to another port of the registry carry no authorization and check the certificate again", async () => {
    const { client, sent } = scripted({ [start.href]: "https://registry.example:8443/x" });
    await follow(client, {
      method: "GET",
      url: start,
      authorization: "Bearer t",
      verifyTls: false,
      signal: noAbort,
    });
    expect(sent.map(({ headers, verifyTls }) => [headers?.["authorization"], verifyTls])).toEqual([
      ["Bearer t", false],
      [undefined, true],
    ]);
  });

  test("drop user info and keep signed queries as they are", async () => {
    const { client, sent } = scripted({ [start.href]: "https://user:pw@cdn.example/x?sig=%2B/+%20a" });
    await follow(client, { method: "GET", url: start, signal: noAbort });
    expect(sent[1]?.url.href).toBe("https://cdn.example/x?sig=%2B/+%20a");
  });

  test("show no signature when refused", async () => {
    const { client } = scripted({ [start.href]: "http://cdn.example/x?X-Amz-Signature=topsecret" });
    await expect(follow(client, { method: "GET", url: start, signal: noAbort })).rejects.not.toThrow(
      /topsecret/,
    );
  });
});

test("R38: cookies of one answer are not sent with the next request", async () => {
  const registry = await start();
  registry.script([{ on: /./, trouble: { kind: "reply", status: 200, headers: { "set-cookie": "a=b" } } }]);
  const client = createHttpClient({ userAgent: "test" });
  for (let i = 0; i < 2; i++) {
    const response = await client.send({ method: "GET", url: new URL(registry.url), signal: noAbort });
    response.discard();
  }
  expect(registry.requests[1]?.headers.cookie).toBeUndefined();
  client.close();
});
