import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noNetworkFiles, type NetworkFiles } from "../../src/registry/endpoints.js";
import { createRequestHandler } from "../../src/registry/serve.js";
import { createAuthority, type Authority, type Issued } from "../support/authority.js";
import { networkFiles } from "../support/network-files.js";
import { addImage, memoryContent } from "../support/registry.js";
import { collect, noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";
import { missing } from "../support/tools.js";

const content = memoryContent();
const layer = patternBytes(1000);
const image = addImage(content, { repository: "team/app", tag: "v1", layers: [layer], compression: "none" });
const [blob] = image.layers as [typeof image.config];
const handler = createRequestHandler({ content });
const needs = missing("openssl");

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe.skipIf(needs !== "")(`${needs}a registry with TLS`, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), "pullrun-tls-"));
  let authority: Authority;
  let good: Issued;
  let client: Issued;
  beforeAll(async () => {
    authority = await createAuthority(scratch, "authority");
    good = await authority.issue("good");
    client = await authority.issue("client", { names: "DNS:client.example" });
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  interface Setup extends ServerOptions {
    readonly identity?: Issued;
    readonly answer?: typeof handler;
  }

  /** The port; also counts who came with a certificate, as `CN PATH`. */
  async function start({ identity = good, answer = handler, ...options }: Setup = {}) {
    const guests: string[] = [];
    const server = createServer(
      { ...options, cert: identity.pem, key: identity.keyPem },
      (request, response) => {
        const socket = request.socket as unknown as Pick<TLSSocket, "getPeerX509Certificate">;
        const subject = socket.getPeerX509Certificate()?.subject;
        guests.push(`${subject?.replace("CN=", "") ?? "-"} ${request.url ?? ""}`);
        answer(request, response);
      },
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { port: (server.address() as AddressInfo).port, guests };
  }

  async function resolve(host: string, network: NetworkFiles = noNetworkFiles): Promise<unknown> {
    const source = openTestRepository(`${host}/team/app:v1`, { network });
    try {
      return await source.resolve(noAbort);
    } finally {
      source.close();
    }
  }

  const mutual = (): ServerOptions => ({
    requestCert: true,
    rejectUnauthorized: true,
    ca: authority.certificate.pem,
  });

  test("R35: from an unknown authority is refused, naming host and file to put it in", async () => {
    const { port } = await start();
    await expect(resolve(`localhost:${port}`)).rejects.toMatchObject({
      code: "TLS",
      message: `cannot reach localhost:${port}: certificate authority is unknown (UNABLE_TO_VERIFY_LEAF_SIGNATURE)`,
      hint: `put its certificate authority's PEM file in ~/.config/pullrun/certs.d/localhost:${port}/ca.crt, or name it in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS`,
    });
  });

  test("R35: with a certificate that has expired is refused, naming the clock", async () => {
    const { port } = await start({ identity: await authority.issue("expired", { days: -1 }) });
    const network = networkFiles({ [`certs.d/localhost:${port}/ca.crt`]: authority.certificate.pem });
    await expect(resolve(`localhost:${port}`, network)).rejects.toMatchObject({
      message: `cannot reach localhost:${port}: certificate has expired (CERT_HAS_EXPIRED)`,
      hint: expect.stringContaining("clock") as unknown,
    });
  });

  test("R35: with another host's certificate is refused", async () => {
    const { port } = await start({
      identity: await authority.issue("other", { names: "DNS:other.example" }),
    });
    const network = networkFiles({ [`certs.d/localhost:${port}/ca.crt`]: authority.certificate.pem });
    await expect(resolve(`localhost:${port}`, network)).rejects.toMatchObject({
      message: `cannot reach localhost:${port}: certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)`,
    });
  });

  test.each<[string, (host: string) => Record<string, string>]>([
    ["docker's certs.d/HOST/*.crt", (host) => ({ [`certs.d/${host}/any.crt`]: "CA" })],
    ["a second directory", (host) => ({ [`other/certs.d/${host}/ca.crt`]: "CA" })],
    [
      "hosts.toml, beside it",
      (host) => ({
        [`certs.d/${host}/hosts.toml`]: `server = "https://${host}"\nca = "own.pem"\n`,
        [`certs.d/${host}/own.pem`]: "CA",
      }),
    ],
    [
      "hosts.toml, which says not to look",
      (host) => ({ [`certs.d/${host}/hosts.toml`]: `server = "https://${host}"\nskip_verify = true\n` }),
    ],
  ])("R35: is used with an authority from %s", async (_, files) => {
    const { port } = await start();
    const texts = Object.entries(files(`localhost:${port}`)).map(([name, text]) => [
      name,
      text === "CA" ? authority.certificate.pem : text,
    ]);
    const network = networkFiles(Object.fromEntries(texts) as Record<string, string>);
    expect(await resolve(`localhost:${port}`, network)).toEqual(image.top);
    await expect(resolve(`127.0.0.1:${port}`, network)).rejects.toMatchObject({ code: "TLS" });
  });

  test("R35: is used with an authority from SSL_CERT_FILE", async () => {
    const { port } = await start();
    const network = { ...noNetworkFiles, caFile: authority.certificate.certificate };
    expect(await resolve(`localhost:${port}`, network)).toEqual(image.top);
  });

  test("R35: an SSL_CERT_FILE that is not there is named", async () => {
    const { port } = await start();
    await expect(
      resolve(`localhost:${port}`, { ...noNetworkFiles, caFile: "/none.pem" }),
    ).rejects.toMatchObject({
      code: "BAD_CONFIG",
      message: "registry configuration: /none.pem: no such file",
    });
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "R35: that wants a client certificate says so in %s, with where to put it",
    async (version) => {
      const { port } = await start({ ...mutual(), minVersion: version, maxVersion: version });
      const network = networkFiles({ [`certs.d/localhost:${port}/ca.crt`]: authority.certificate.pem });
      await expect(resolve(`localhost:${port}`, network)).rejects.toMatchObject({
        code: "TLS",
        hint: expect.stringContaining(
          `client.cert and client.key in ~/.config/pullrun/certs.d/localhost:${port}`,
        ) as unknown,
      });
    },
  );

  test("R35: that wants a client certificate as nginx does says so too", async () => {
    const { port } = await start({
      answer: (_, response) =>
        void response
          .writeHead(400)
          .end("<html><title>400 No required SSL certificate was sent</title></html>"),
    });
    const network = networkFiles({ [`certs.d/localhost:${port}/ca.crt`]: authority.certificate.pem });
    await expect(resolve(`localhost:${port}`, network)).rejects.toMatchObject({
      hint: expect.stringContaining("client.key") as unknown,
    });
  });

  test.each<[string, (host: string) => Record<string, string>]>([
    [
      "docker's client.cert and client.key",
      (host) => ({ [`certs.d/${host}/client.cert`]: "CERT", [`certs.d/${host}/client.key`]: "KEY" }),
    ],
    [
      "hosts.toml",
      (host) => ({
        [`certs.d/${host}/hosts.toml`]: `server = "https://${host}"\nclient = [["c.pem", "k.pem"]]\n`,
        [`certs.d/${host}/c.pem`]: "CERT",
        [`certs.d/${host}/k.pem`]: "KEY",
      }),
    ],
  ])("R35: gets the client certificate from %s, and no other host does", async (_, files) => {
    const cdn = await start({ requestCert: true, rejectUnauthorized: false });
    const registry = await start({
      ...mutual(),
      answer(request, response) {
        if (request.url?.includes("/blobs/") !== true) {
          handler(request, response);
          return;
        }
        response.writeHead(307, { location: `https://127.0.0.1:${cdn.port}${request.url}` }).end();
      },
    });
    const host = `localhost:${registry.port}`;
    const texts: Record<string, string> = { CERT: client.pem, KEY: client.keyPem };
    const own = Object.entries(files(host)).map(([name, text]): [string, string] => [
      name,
      texts[text] ?? text,
    ]);
    const network = networkFiles({
      ...Object.fromEntries(own),
      [`certs.d/${host}/ca.crt`]: authority.certificate.pem,
      // The CDN is behind an authority of its own, as behind a company's proxy that opens TLS.
      [`certs.d/127.0.0.1:${cdn.port}/ca.crt`]: authority.certificate.pem,
    });
    const source = openTestRepository(`${host}/team/app:v1`, { network });
    expect(await source.resolve(noAbort)).toEqual(image.top);
    expect((await collect(await source.read(blob, { offset: 0, signal: noAbort }))).equals(layer)).toBe(true);
    source.close();
    expect(registry.guests[0]).toMatch(/^client /);
    expect(cdn.guests).toEqual([`- /v2/team/app/blobs/${blob.digest}`]);
  });

  test("R35: whose CDN has an unknown authority names the CDN, not the registry", async () => {
    const cdn = await start();
    const registry = await start({
      answer: (request, response) =>
        void response.writeHead(307, { location: `https://127.0.0.1:${cdn.port}${request.url ?? ""}` }).end(),
    });
    const network = networkFiles({
      [`certs.d/localhost:${registry.port}/ca.crt`]: authority.certificate.pem,
    });
    await expect(resolve(`localhost:${registry.port}`, network)).rejects.toThrow(
      `cannot reach 127.0.0.1:${cdn.port}: certificate authority is unknown`,
    );
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["a certificate without its key", { "client.cert": "CERT" }, /client\.cert: no client\.key beside it/],
    [
      "a key of another certificate",
      { "client.cert": "CERT", "client.key": "OTHER" },
      /does not fit the other/,
    ],
    [
      "no certificate at all",
      { "client.cert": "secret", "client.key": "secret" },
      /is not a PEM certificate/,
    ],
  ])("R35: %s is a mistake in the configuration, and is not quoted", async (_, files, problem) => {
    const { port } = await start();
    const texts: Record<string, string> = { CERT: client.pem, OTHER: good.keyPem };
    const own = Object.entries(files).map(([name, text]) => [
      `certs.d/localhost:${port}/${name}`,
      texts[text] ?? text,
    ]);
    const failure = resolve(
      `localhost:${port}`,
      networkFiles(Object.fromEntries(own) as Record<string, string>),
    );
    await expect(failure).rejects.toMatchObject({ code: "BAD_CONFIG" });
    await expect(failure).rejects.toThrow(problem);
    await expect(failure).rejects.not.toThrow(/secret|BEGIN/);
  });
});
