import { describe, expect, test } from "vitest";
import {
  loginCommand,
  apiHost,
  isLoopbackHost,
  isPrivateHost,
  mayBeSentTo,
} from "../../src/registry/hosts.js";

function hostname(host: string): string {
  return new URL(`http://${host}/`).hostname;
}

test.each([
  ["docker.io", "registry-1.docker.io"],
  ["ghcr.io", "ghcr.io"],
  ["localhost:5000", "localhost:5000"],
])("the API of %s is at %s", (registry, host) => {
  expect(apiHost(registry)).toBe(host);
});

test.each([
  ["docker.io", "`pullrun login`"],
  ["registry-1.docker.io", "`pullrun login`"],
  ["ghcr.io", "`pullrun login ghcr.io`"],
])("credentials for %s are stored with %s", (host, command) => {
  expect(loginCommand(host)).toBe(command);
});

describe("loopback and private hosts", () => {
  test.each([
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "127.0.0.1",
    "127.255.1.2",
    "[::1]",
    "2130706433",
    "[::ffff:127.0.0.1]",
  ])("%s is this machine", (host) => {
    expect(isLoopbackHost(hostname(host))).toBe(true);
    expect(isPrivateHost(hostname(host))).toBe(true);
  });

  test.each([
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "0.0.0.0",
    "[fd00::1]",
    "[fe80::1]",
    "[::]",
    "[::ffff:10.0.0.1]",
    "0xa9fea9fe",
  ])("%s is the local network, not this machine", (host) => {
    expect(isPrivateHost(hostname(host))).toBe(true);
    expect(mayBeSentTo(new URL(`http://${host}/`), new URL("http://registry.example/"))).toBe(false);
  });

  test.each([
    "example.com",
    "8.8.8.8",
    "172.32.0.1",
    "[2606:4700::1]",
    "localhost.example.com",
    "notlocalhost",
    "127.0.0.1.nip.io",
  ])("%s is public, as far as the name tells", (host) => {
    expect(isPrivateHost(hostname(host))).toBe(false);
  });
});

describe("where a registry may send us", () => {
  test.each([
    ["a public registry to its CDN", "https://registry.example", "https://cdn.example", true],
    [
      "a public registry to the metadata service",
      "https://registry.example",
      "http://169.254.169.254",
      false,
    ],
    ["a public registry to this machine", "https://registry.example", "http://127.0.0.1:2375", false],
    ["a public registry to this machine by name", "https://registry.example", "https://localhost", false],
    ["a private registry to itself, another port", "http://10.0.0.5:5000", "http://10.0.0.5:9000", true],
    ["a private registry to its neighbour", "http://10.0.0.5:5000", "http://10.0.0.6", false],
    ["a registry here to another port here", "http://localhost:5000", "http://127.0.0.1:5001", true],
    ["a registry here to the metadata service", "http://localhost:5000", "http://169.254.169.254", false],
  ])("%s", (_, registry, target, allowed) => {
    expect(mayBeSentTo(new URL(target), new URL(registry))).toBe(allowed);
  });
});
