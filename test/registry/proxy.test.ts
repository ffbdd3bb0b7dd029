import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHttpClient } from "../../src/registry/http.js";
import { proxyFor } from "../../src/registry/proxy.js";
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

  test("R39: is used for http, and not for hosts in NO_PROXY", async () => {
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

  test("R39: that refuses the tunnel is named, without its password", async () => {
    const source = openTestRepository("registry.example/team/app", { proxyEnv: { https_proxy: url } });
    const failure = source.resolve(noAbort);
    await expect(failure).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: `cannot reach registry.example through the proxy ${new URL(url).host}: the proxy does not let us through (ERR_PROXY_TUNNEL)`,
      hint: expect.stringContaining("NO_PROXY=registry.example") as unknown,
    });
    await expect(failure).rejects.not.toThrow(/secret/);
    expect(asked).toEqual(["CONNECT registry.example:443"]);
    source.close();
  });

  test("R39: gets its own password, and the host behind it does not", async () => {
    const headers: (string | undefined)[] = [];
    proxy.removeAllListeners("request").on("request", (request, response) => {
      headers.push(request.headers["proxy-authorization"], request.headers.authorization);
      response.end();
    });
    const client = createHttpClient({ userAgent: "test", proxyEnv: { http_proxy: url } });
    const target = new URL("http://registry.example/v2/");
    (await client.send({ method: "GET", url: target, signal: noAbort })).discard();
    expect(headers).toEqual([`Basic ${btoa("user:secret")}`, undefined]);
    client.close();
  });

  test("R39: that is not there is named, with the variables it comes from", async () => {
    const source = openTestRepository("registry.example/team/app", {
      proxyEnv: { HTTPS_PROXY: "http://user:secret@127.0.0.1:1" },
    });
    const failure = source.resolve(noAbort);
    await expect(failure).rejects.toMatchObject({
      code: "REFUSED",
      message:
        "cannot reach registry.example through the proxy 127.0.0.1:1: connection refused (ECONNREFUSED)",
      hint: expect.stringContaining(
        "another proxy than http://127.0.0.1:1/ (HTTPS_PROXY, HTTP_PROXY) or none (NO_PROXY=registry.example)",
      ) as unknown,
    });
    source.close();
  });
});

describe("the proxy for a URL", () => {
  const env = { HTTPS_PROXY: "http://proxy.example:3128", http_proxy: "http://plain.example" };
  test.each([
    ["https://h.example/v2/", env, "proxy.example:3128"],
    ["http://h.example/v2/", env, "plain.example"],
    ["https://h.example/", { ...env, https_proxy: "http://lower.example" }, "lower.example"],
    ["https://h.example/", {}, undefined],
    ["https://h.example/", { HTTPS_PROXY: "nonsense" }, undefined],
    ["https://h.example/", { ...env, NO_PROXY: "*" }, undefined],
    ["https://h.example/", { ...env, NO_PROXY: "a.example, H.example" }, undefined],
    ["https://h.example:5000/", { ...env, no_proxy: "h.example:5000" }, undefined],
    ["https://h.example:5001/", { ...env, no_proxy: "h.example:5000" }, "proxy.example:3128"],
    ["https://r.h.example/", { ...env, no_proxy: ".h.example" }, undefined],
    ["https://r.h.example/", { ...env, no_proxy: "*.h.example" }, undefined],
    ["https://evilh.example/", { ...env, no_proxy: ".h.example,h.example," }, "proxy.example:3128"],
  ])("%s with %j is %s", (target, variables, host) => {
    expect(proxyFor(new URL(target), variables)?.host).toBe(host);
  });
});
