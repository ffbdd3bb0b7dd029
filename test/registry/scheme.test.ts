import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRequestHandler } from "../../src/registry/serve.js";
import { addImage, memoryContent } from "../support/registry.js";
import { noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const image = addImage(content, { repository: "team/app", tag: "v1", layers: [patternBytes(100)] });
const handler = createRequestHandler({ content });
const haveOpenssl = spawnSync("openssl", ["version"]).status === 0;

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function resolve(host: string, insecure = false): Promise<unknown> {
  const source = openTestRepository(`${host}/team/app:v1`, { insecure });
  try {
    return await source.resolve(noAbort);
  } finally {
    source.close();
  }
}

describe("plain http on this machine", () => {
  test.each(["localhost", "127.0.0.1", "app.localhost"])("R36: is tried first at %s", async (host) => {
    const port = await listen(createHttpServer(handler));
    // Not every resolver knows names below localhost.
    if (host === "app.localhost") {
      const outcome = await resolve(`${host}:${port}`).catch((error: unknown) => error);
      expect([image.top, expect.objectContaining({ code: "DNS" })]).toContainEqual(outcome);
    } else {
      expect(await resolve(`${host}:${port}`)).toEqual(image.top);
    }
  });
});

describe.skipIf(!haveOpenssl)("needs openssl for a certificate: a registry with TLS on this machine", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "pullrun-tls-"));
  let identity: { key: Buffer; cert: Buffer };
  beforeAll(() => {
    const [key, cert] = [path.join(directory, "key.pem"), path.join(directory, "cert.pem")];
    const request = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
    ];
    execFileSync("openssl", [...request, "-subj", "/CN=localhost", "-keyout", key, "-out", cert], {
      stdio: "ignore",
    });
    identity = { key: readFileSync(key), cert: readFileSync(cert) };
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test("is spoken to in https, and an unknown certificate is refused", async () => {
    const port = await listen(createHttpsServer(identity, handler));
    await expect(resolve(`localhost:${port}`)).rejects.toMatchObject({
      code: "TLS",
      message: `cannot reach localhost:${port}: certificate is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT)`,
    });
  });

  test("is used with an unknown certificate once it is called insecure", async () => {
    const port = await listen(createHttpsServer(identity, handler));
    expect(await resolve(`localhost:${port}`, true)).toEqual(image.top);
  });

  test.each([
    ["Go", "Client sent an HTTP request to an HTTPS server."],
    ["nginx", "<center>The plain HTTP request was sent to HTTPS port</center>"],
  ])("is found behind %s's answer to plain http", async (_, said) => {
    const secure = await listen(createHttpsServer(identity, handler));
    const port = await listen(answering(`HTTP/1.0 400 Bad Request\r\n\r\n${said}\n`, secure));
    expect(await resolve(`localhost:${port}`, true)).toEqual(image.top);
  });

  /** One port for both: TLS (a first byte of 22) is passed on to another port, anything else gets `answer`. */
  function answering(answer: string, tlsPort: number): Server {
    return createTcpServer((socket) => {
      socket.once("data", (first) => {
        if (first[0] !== 22) return void socket.end(answer);
        const upstream = connect(tlsPort, "127.0.0.1");
        sockets.add(upstream);
        upstream.write(first);
        socket.pipe(upstream).pipe(socket);
      });
    });
  }
});

test("a 400 of another kind does not turn a plain http registry into a TLS one", async () => {
  const port = await listen(
    createHttpServer((request, response) => {
      if (request.url === "/v2/") response.writeHead(400).end("bad request");
      else handler(request, response);
    }),
  );
  expect(await resolve(`localhost:${port}`)).toEqual(image.top);
});
