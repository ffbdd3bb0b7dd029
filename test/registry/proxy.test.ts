import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHttpClient } from "../../src/registry/http.js";
import { noAbort, openTestRepository } from "../support/registry-client.js";

// Node's agents know proxies since 22.21; on an older one pullrun goes without.
const knowsProxies = !/^v22\.(1?\d|20)\./.test(process.version);

describe.skipIf(!knowsProxies)("needs node >= 22.21: a proxy given by the caller", () => {
  let proxy: Server;
  let url: string;
  const asked: string[] = [];

  beforeEach(async () => {
    asked.length = 0;
    proxy = createServer((request, response) => {
      asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
      response.end("by proxy");
    });
    proxy.on("connect", (request, socket) => {
      asked.push(`CONNECT ${request.url ?? ""}`);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    url = `http://user:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  afterEach(() => proxy.close());

  test("is used for http, and not for hosts in NO_PROXY", async () => {
    const client = createHttpClient({
      userAgent: "test",
      proxyEnv: { HTTP_PROXY: url, NO_PROXY: "127.0.0.1" },
    });
    const through = await client.send({
      method: "GET",
      url: new URL("http://registry.example/v2/"),
      signal: noAbort,
    });
    expect(await Array.fromAsync(through.body, String)).toEqual(["by proxy"]);
    const direct = await client.send({
      method: "GET",
      url: new URL("/direct", url.replace("user:secret@", "")),
      signal: noAbort,
    });
    direct.discard();
    expect(asked).toEqual(["GET http://registry.example/v2/", "GET /direct"]);
    client.close();
  });

  test("that refuses the tunnel is named, without its password", async () => {
    const source = openTestRepository("registry.example/team/app", { proxyEnv: { https_proxy: url } });
    const failure = source.resolve(noAbort);
    await expect(failure).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: "cannot reach registry.example: the proxy does not let us through (ERR_PROXY_TUNNEL)",
    });
    await expect(failure).rejects.not.toThrow(/secret/);
    expect(asked).toEqual(["CONNECT registry.example:443"]);
    source.close();
  });
});
