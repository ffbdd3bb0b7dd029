import { createServer, type RequestListener, type Server } from "node:http";
import { createSecureServer, createServer as createHttp2Server } from "node:http2";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { NetworkError } from "../../src/core/errors.js";
import { parseManifest } from "../../src/core/manifest.js";
import type { HttpClient, HttpRequest } from "../../src/registry/http.js";
import { findBase } from "../../src/registry/scheme.js";
import { addImage, memoryContent, putJson, startTestRegistry } from "../support/registry.js";
import { collect, noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";
import { selfSigned } from "../support/certificate.js";
import { temporaryDirectory } from "../support/cli.js";
import { missing } from "../support/tools.js";

const content = memoryContent();
const image = addImage(content, { repository: "team/app", tag: "v1", layers: [patternBytes(100_000)] });
const [blob] = image.layers as [typeof image.config];

const servers: (TcpServer | Server)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  }
});

async function listen(server: TcpServer | Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function resolveAt(host: string, insecure = false): Promise<unknown> {
  const source = openTestRepository(`${host}/team/app:v1`, { insecure });
  try {
    return await source.resolve(noAbort);
  } finally {
    source.close();
  }
}

/** Answers the version check, and everything else with `listener`. */
function answering(listener: RequestListener): Server {
  return createServer((request, response) => {
    if (request.url === "/v2/") response.end("{}");
    else listener(request, response);
  });
}

describe("an answer with a header", () => {
  test.each<[string, RequestListener]>([
    ["of a megabyte", (_, response) => void response.setHeader("x-long", "x".repeat(1 << 20)).end()],
    [
      "in ten thousand lines",
      (_, response) => {
        for (let i = 0; i < 10_000; i++) response.setHeader(`x-${i}`, "1");
        response.end();
      },
    ],
  ])("R38: %s is refused in one line", async (_, listener) => {
    const host = await listen(answering(listener));
    await expect(resolveAt(host)).rejects.toMatchObject({
      code: "PROTOCOL",
      message: `cannot talk to ${host}: the answer is not HTTP (HPE_HEADER_OVERFLOW)`,
    });
  });
});

describe("an answer in another protocol", () => {
  test.skipIf(missing("openssl") !== "")(
    `R34: ${missing("openssl")}of a front end that speaks HTTP/2 only is an error that names it`,
    async () => {
      const { pem, keyPem } = await selfSigned(temporaryDirectory(), "h2");
      const host = await listen(createSecureServer({ cert: pem, key: keyPem, allowHTTP1: false }));
      await expect(resolveAt(host, true)).rejects.toThrow(host);
    },
  );

  test("R34: of HTTP/2 without TLS is an error that names it", async () => {
    const host = await listen(createHttp2Server());
    await expect(resolveAt(host)).rejects.toThrow(host);
  });

  test("R34: 421, for a host that does not serve this name, is final and shown", async () => {
    const host = await listen(answering((_, response) => void response.writeHead(421).end()));
    await expect(resolveAt(host)).rejects.toMatchObject({
      code: "PROTOCOL",
      info: { details: { status: 421 } },
    });
  });

  test("R34: that is no HTTP at all is refused", async () => {
    const host = await listen(
      createTcpServer((socket) => void socket.on("error", () => undefined).end("SSH-2.0-x\r\n")),
    );
    await expect(resolveAt(host)).rejects.toThrow(host);
  });
});

test("R7: a 403 shows the registry's own words, without what would move the cursor", async () => {
  const body = JSON.stringify({ errors: [{ code: "DENIED", message: "pay\u001b[2Jfirst\r\n" }] });
  const registry = await startTestRegistry({
    content,
    faults: [
      { on: /^HEAD .*manifests/, trouble: { kind: "reply", status: 405 } },
      { on: /^GET .*manifests/, trouble: { kind: "reply", status: 403, body } },
    ],
  });
  const failure = resolveAt(registry.host);
  await expect(failure).rejects.toMatchObject({ code: "DENIED" });
  await expect(failure).rejects.toThrow(/access denied \(403: denied: pay\?\[2Jfirst\?\?\)$/);
  await registry.close();
});

test("R13, R16: the URLs of a foreign layer are never asked, whatever host they name", async () => {
  const elsewhere: string[] = [];
  const attacker = await listen(
    createServer((request, response) => {
      elsewhere.push(request.url ?? "");
      response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    }),
  );
  const urls = [`http://${attacker}/layer`, "http://169.254.169.254/layer", "file:///etc/passwd"];
  const manifest = putJson(
    content,
    { schemaVersion: 2, config: image.config, layers: [{ ...blob, urls }] },
    "application/vnd.oci.image.manifest.v1+json",
  );
  content.tag("team/foreign", "v1", manifest);
  const registry = await startTestRegistry({ content });
  const asked: string[] = [];
  const source = openTestRepository(`${registry.host}/team/foreign:v1`, {
    credentials: (place) => Promise.resolve(void asked.push(place)),
  });
  const top = await source.resolve(noAbort);
  const parsed = parseManifest("foreign", await source.document(top, noAbort), top.mediaType);
  if (parsed.kind !== "manifest") throw new Error("not a manifest");
  for (const layer of parsed.layers) await collect(await source.read(layer, { offset: 0, signal: noAbort }));
  source.close();
  await registry.close();
  expect([elsewhere, asked]).toEqual([[], []]);
  expect(registry.lines().at(-1)).toBe(`GET /v2/team/foreign/blobs/${blob.digest}`);
});

test("R28: a registry that drips a byte at a time is left when the user says so", async () => {
  const host = await listen(
    answering((_, response) => {
      response.writeHead(200, { "content-length": blob.size });
      const drip = setInterval(() => response.write("x"), 5);
      response.on("close", () => clearInterval(drip));
    }),
  );
  const stop = new AbortController();
  const source = openTestRepository(`${host}/team/app:v1`);
  let count = 0;
  const reading = (async () => {
    for await (const chunk of await source.read(blob, { offset: 0, signal: stop.signal })) {
      count += chunk.length;
      if (count > 3) stop.abort();
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(count).toBeLessThan(blob.size);
  source.close();
});

describe("R36: plain http anywhere but on this machine", () => {
  /** A client for which nothing is reachable but by plain http. */
  function plainOnly(requests: string[]): HttpClient {
    return {
      send({ url }: HttpRequest) {
        requests.push(url.href);
        return Promise.reject(new NetworkError("REFUSED", "connection refused"));
      },
      close: () => undefined,
    };
  }

  test.each([
    [false, "https://registry.example/", []],
    [true, "http://registry.example/", ["https://registry.example/v2/"]],
  ])("is used only when told so: --insecure %s", async (insecure, url, requests) => {
    const seen: string[] = [];
    const options = { insecure, verifyTls: !insecure, signal: noAbort };
    const base = await findBase(plainOnly(seen), "registry.example", options);
    expect([base.url.href, seen]).toEqual([url, requests]);
  });
});
