import { describe, expect, test } from "vitest";
import { parseAuthFile } from "../../src/registry/auth-file.js";

const auth = Buffer.from("alice:s3cret").toString("base64");
const alice = { kind: "password", username: "alice", password: "s3cret" };

function find(registry: string, config: unknown): unknown {
  return parseAuthFile("/c.json", JSON.stringify(config)).find(registry);
}

describe("credentials in docker's config.json", () => {
  test.each([
    ["the host itself", "ghcr.io", "ghcr.io"],
    ["host and port", "localhost:5000", "localhost:5000"],
    ["an https URL", "ghcr.io", "https://ghcr.io"],
    ["an http URL with a slash", "ghcr.io", "http://ghcr.io/"],
    ["a v2 URL", "ghcr.io", "https://ghcr.io/v2/"],
    ["a v1 URL", "ghcr.io", "https://ghcr.io/v1"],
    ["another letter case", "GHCR.io", "ghcr.IO"],
    ["docker login's key for Docker Hub", "docker.io", "https://index.docker.io/v1/"],
    ["Docker Hub by name", "docker.io", "docker.io"],
    ["Docker Hub's API host", "docker.io", "registry-1.docker.io"],
  ])("are found under %s", (_, registry, key) => {
    expect(find(registry, { auths: { [key]: { auth } } })).toEqual({
      credentials: { ...alice, source: `/c.json (${key})` },
    });
  });

  test.each([
    ["a host that ends alike", "evil-ghcr.io", "ghcr.io"],
    ["a host that begins alike", "ghcr.io.evil.example", "ghcr.io"],
    ["a parent domain", "sub.ghcr.io", "ghcr.io"],
    ["another port", "localhost:5001", "localhost:5000"],
    ["no port", "localhost", "localhost:5000"],
    ["a host named in a path", "ghcr.io", "https://evil.example/ghcr.io"],
    ["a namespace of the host", "ghcr.io", "ghcr.io/team"],
    ["user info before another host", "ghcr.io", "https://ghcr.io@evil.example"],
    ["a property every object has", "constructor", "ghcr.io"],
  ])("are not given to %s", (_, registry, key) => {
    expect(find(registry, { auths: { [key]: { auth } } })).toEqual({});
  });

  test.each([
    ["user name and password in clear", { username: "alice", password: "s3cret" }, alice],
    [
      "a password with colons",
      { auth: Buffer.from("bob:a:b:c").toString("base64") },
      { kind: "password", username: "bob", password: "a:b:c" },
    ],
    [
      "an empty password",
      { auth: Buffer.from("bob:").toString("base64") },
      { kind: "password", username: "bob", password: "" },
    ],
    [
      "docker's NUL padding",
      { auth: Buffer.from("bob:pw\0\0").toString("base64") },
      { kind: "password", username: "bob", password: "pw" },
    ],
    [
      "UTF-8",
      { auth: Buffer.from("jürgen:pässword").toString("base64") },
      { kind: "password", username: "jürgen", password: "pässword" },
    ],
    [
      "an identity token before a password",
      { auth, identitytoken: "tok" },
      { kind: "identity-token", token: "tok" },
    ],
  ])("may be %s", (_, entry, expected) => {
    expect(find("h.example", { auths: { "h.example": entry } })).toMatchObject({ credentials: expected });
  });

  test.each([
    ["an empty entry, as docker leaves for stored credentials", { auths: { "h.example": {} } }],
    ["no auths", {}],
    ["null members", { auths: null, credHelpers: null, credsStore: null }],
    ["an empty store name", { credsStore: "" }],
    ["members we do not know", { HttpHeaders: { a: "b" }, plugins: {}, auths: {} }],
  ])("may be absent: %s", (_, config) => {
    expect(find("h.example", config)).toEqual({});
  });

  test("a helper for the registry goes before the store for all", () => {
    const config = {
      credsStore: "desktop",
      credHelpers: { "h.example": "ecr", "https://index.docker.io/v1/": "hub" },
    };
    expect(find("h.example", config)).toEqual({ helper: "ecr" });
    expect(find("docker.io", config)).toEqual({ helper: "hub" });
    expect(find("other.example", config)).toEqual({ helper: "desktop" });
  });
});

describe("credentials in containers' auth.json", () => {
  const entry = (name: string) => ({ auth: Buffer.from(`${name}:pw`).toString("base64") });
  const auths = {
    "h.example": entry("host"),
    "h.example/team": entry("team"),
    "h.example/team/app": entry("app"),
    "docker.io/library": entry("hub"),
  };

  test.each([
    ["the image itself", "h.example/team/app", "app"],
    ["an image below it", "h.example/team/app/debug", "app"],
    ["another image of the team", "h.example/team/other", "team"],
    ["a team whose name begins alike", "h.example/teams/app", "host"],
    ["an image whose name begins alike", "h.example/team/app2", "team"],
    ["the registry", "h.example", "host"],
    ["a namespace of Docker Hub", "docker.io/library/alpine", "hub"],
  ])("the longest name wins: %s", (_, place, username) => {
    expect(find(place, { auths })).toMatchObject({ credentials: { username } });
  });

  test.each(["other.example/team/app", "docker.io/team/app", "h.example.evil/team", "docker.io"])(
    "are not given to %s",
    (place) => {
      expect(find(place, { auths })).toEqual({});
    },
  );

  test("do not keep a helper of the registry from being asked first", () => {
    expect(find("h.example/team/app", { auths, credHelpers: { "h.example": "ecr" } })).toMatchObject({
      helper: "ecr",
      credentials: { username: "app" },
    });
  });
});

describe("a malformed credentials file", () => {
  const secret = "hunter2";
  test.each([
    ["cut short", `{"auths": {"h.example": {"auth": "${secret}`],
    ["no object", `["${secret}"]`],
    ["null", "null"],
    ["empty", ""],
    ["a byte order mark", `\ufeff{"auths":{}}`],
    ["auths of another type", `{"auths": "${secret}"}`],
    ["an entry of another type", `{"auths": {"h.example": "${secret}"}}`],
    ["a password of another type", `{"auths": {"h.example": {"auth": ["${secret}"]}}}`],
    ["nested without end", "[".repeat(100_000)],
    ["auth that is not base64", `{"auths": {"h.example": {"auth": "${secret}:${secret}!"}}}`],
    [
      "auth without a colon",
      `{"auths": {"h.example": {"auth": "${Buffer.from(secret).toString("base64")}"}}}`,
    ],
    [
      "auth without a user name",
      `{"auths": {"h.example": {"auth": "${Buffer.from(`:${secret}`).toString("base64")}"}}}`,
    ],
  ])("is refused and never quoted: %s", (_, text) => {
    const read = (): unknown => parseAuthFile("/home/a/.docker/config.json", text).find("h.example");
    expect(read).toThrow(expect.objectContaining({ code: "BAD_AUTH_FILE" }));
    expect(read).toThrow(/^credentials file: \/home\/a\/\.docker\/config\.json: /);
    expect(read).not.toThrow(new RegExp(`${secret}|${Buffer.from(secret).toString("base64").slice(0, 6)}`));
  });

  test("matters only for the registry it is about", () => {
    const config = { auths: { "bad.example": { auth: "!!" }, "h.example": { auth } } };
    expect(find("h.example", config)).toMatchObject({ credentials: alice });
  });
});
