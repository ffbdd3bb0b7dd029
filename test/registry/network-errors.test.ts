import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { networkError } from "../../src/registry/network-errors.js";
import { mayPass } from "../../src/registry/retry.js";
import { noAbort, openTestRepository } from "../support/registry-client.js";

const hub = new URL("https://registry-1.docker.io/v2/");

function systemError(code: string, message = "went wrong"): Error {
  return Object.assign(new Error(message), { code });
}

describe("a network failure in one line", () => {
  test.each([
    ["ENOTFOUND", "DNS", "cannot reach registry-1.docker.io: name not found (ENOTFOUND)"],
    ["EAI_AGAIN", "DNS", "cannot reach registry-1.docker.io: name lookup failed (EAI_AGAIN)"],
    ["ECONNREFUSED", "REFUSED", "cannot reach registry-1.docker.io: connection refused (ECONNREFUSED)"],
    ["ECONNRESET", "RESET", "cannot reach registry-1.docker.io: connection reset (ECONNRESET)"],
    ["ETIMEDOUT", "TIMEOUT", "cannot reach registry-1.docker.io: no answer in time (ETIMEDOUT)"],
    ["ENETUNREACH", "UNREACHABLE", "cannot reach registry-1.docker.io: network unreachable (ENETUNREACH)"],
    [
      "CERT_HAS_EXPIRED",
      "TLS",
      "cannot reach registry-1.docker.io: certificate has expired (CERT_HAS_EXPIRED)",
    ],
    ["CERT_REVOKED", "TLS", "cannot reach registry-1.docker.io: went wrong (CERT_REVOKED)"],
    ["ESOMETHING", "UNREACHABLE", "cannot reach registry-1.docker.io: went wrong (ESOMETHING)"],
    [
      "HPE_INVALID_CONSTANT",
      "PROTOCOL",
      "cannot talk to registry-1.docker.io: the answer is not HTTP (HPE_INVALID_CONSTANT)",
    ],
  ])("%s is %s", (errno, code, message) => {
    const error = networkError(hub, systemError(errno));
    expect([error.code, error.message]).toEqual([code, message]);
  });

  test("tells how many bytes had come", () => {
    expect(networkError(hub, systemError("ECONNRESET"), { received: 1234 }).message).toBe(
      "download from registry-1.docker.io: connection reset after 1234 bytes (ECONNRESET)",
    );
  });

  test("without a network says what else there is", () => {
    const { hint } = networkError(hub, systemError("ENOTFOUND"));
    for (const way of ["mirror", "HTTPS_PROXY", "oci:DIR", "pullrun demo"]) expect(hint).toContain(way);
  });

  test("to find a name in time is a failure of names, which no retry mends", () => {
    const error = Object.assign(systemError("ETIMEDOUT"), { event: "lookup" });
    expect(networkError(hub, error).message).toBe(
      "cannot reach registry-1.docker.io: name lookup failed (ETIMEDOUT)",
    );
    expect(networkError(hub, error).code).toBe("DNS");
  });

  test("of a registry that took the request and said nothing is not met by asking again, as others are", () => {
    const silence = Object.assign(systemError("ETIMEDOUT"), { event: "response" });
    const noConnection = Object.assign(systemError("ETIMEDOUT"), { event: "connect" });
    expect([silence, noConnection].map((error) => mayPass(networkError(hub, error)))).toEqual([false, true]);
  });

  test("stays one printable line whatever the system says", () => {
    const { message } = networkError(hub, systemError("EWEIRD", "a\nb\u001b[2J"));
    expect(message).toBe("cannot reach registry-1.docker.io: a?b?[2J (EWEIRD)");
  });

  test("survives errors that are none", () => {
    expect(networkError(hub, "thrown text").message).toBe(
      "cannot reach registry-1.docker.io: failed (unknown error)",
    );
  });
});

describe("a registry that cannot be reached", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  test("for want of its name is named, with the cause", async () => {
    // RFC 2606: .invalid never resolves.
    const source = openTestRepository("registry.invalid/team/app:v1");
    await expect(source.resolve(noAbort)).rejects.toMatchObject({
      code: "DNS",
      message: expect.stringMatching(/^cannot reach registry\.invalid: name \S+ \S+ \(E\w+\)$/) as unknown,
    });
    source.close();
  });

  test("because nothing listens is named, with the port", async () => {
    server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server?.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server?.close(resolve));
    const source = openTestRepository(`localhost:${port}/team/app:v1`);
    await expect(source.resolve(noAbort)).rejects.toMatchObject({
      code: "REFUSED",
      message: `cannot reach localhost:${port}: connection refused (ECONNREFUSED)`,
      hint: expect.stringContaining("nothing listens") as unknown,
    });
    source.close();
  });

  test.each(["registry.example:70000", "1.2.3.999"])(
    "because %s is no host is a mistake in the reference",
    async (host) => {
      const source = openTestRepository(`${host}/team/app:v1`);
      await expect(source.resolve(noAbort)).rejects.toMatchObject({ code: "BAD_REFERENCE" });
      source.close();
    },
  );
});
