import { describe, expect, test } from "vitest";
import { hostsFiles, readTrust } from "../../src/registry/certs-dir.js";
import { networkFiles } from "../support/network-files.js";

describe("the hosts.toml of a registry", () => {
  test.each([
    ["ghcr.io", ["/a/ghcr.io", "/b/ghcr.io", "/a/_default", "/b/_default"]],
    ["h:5000", ["/a/h:5000", "/b/h:5000", "/a/h_5000_", "/b/h_5000_", "/a/_default", "/b/_default"]],
    [
      "docker.io",
      [
        "/a/docker.io",
        "/b/docker.io",
        "/a/registry-1.docker.io",
        "/b/registry-1.docker.io",
        "/a/_default",
        "/b/_default",
      ],
    ],
    ["..", ["/a/_default", "/b/_default"]],
  ])("%s is looked for in its own directories first, then in _default", (registry, directories) => {
    expect(hostsFiles(["/a", "/b"], registry)).toEqual(directories.map((dir) => `${dir}/hosts.toml`));
  });
});

describe("the certificates of a host", () => {
  test("come from all directories that name it, and from no other file in them", async () => {
    const { certsDirs } = networkFiles({
      "certs.d/h:5000/b.crt": "B",
      "certs.d/h:5000/a.crt": "A",
      "certs.d/h:5000/notes.txt": "no",
      "certs.d/h:5000/client.cert": "CERT",
      "certs.d/h:5000/client.key": "KEY",
      "other/certs.d/h_5000_/c.crt": "C",
      "certs.d/h/d.crt": "no",
      "certs.d/e.crt": "no",
    });
    expect(await readTrust(certsDirs, "h:5000")).toEqual({
      ca: ["A", "B", "C"],
      client: [{ cert: "CERT", key: "KEY" }],
    });
  });

  test.each(["..", ".", "nobody", "x".repeat(5000)])("are none for %s", async (host) => {
    const { certsDirs } = networkFiles({ "certs.d/e.crt": "no", "e.crt": "no" });
    expect(await readTrust(certsDirs, host)).toEqual({ ca: [], client: [] });
  });
});
