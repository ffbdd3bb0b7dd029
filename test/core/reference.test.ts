import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  familiarName,
  formatReference,
  isRepositoryName,
  isTag,
  parseReference,
} from "../../src/core/reference.js";

const hex = "0123456789abcdef".repeat(4);
const digest = `sha256:${hex}`;

function parts(input: string): unknown {
  const { registry, repository, tag, digest } = parseReference(input);
  return [registry, repository, tag, digest];
}

// The shape of distribution/reference's own tables (reference_test.go, normalize_test.go).
describe("image references that are good", () => {
  test.each([
    ["busybox", ["docker.io", "library/busybox", "latest", undefined]],
    ["busybox:1.36", ["docker.io", "library/busybox", "1.36", undefined]],
    ["team/app", ["docker.io", "team/app", "latest", undefined]],
    ["docker.io/busybox", ["docker.io", "library/busybox", "latest", undefined]],
    ["docker.io/library/busybox", ["docker.io", "library/busybox", "latest", undefined]],
    ["index.docker.io/team/app", ["docker.io", "team/app", "latest", undefined]],
    ["a/b/c/d", ["docker.io", "a/b/c/d", "latest", undefined]],
    ["ghcr.io/team/app:v1", ["ghcr.io", "team/app", "v1", undefined]],
    ["localhost/app", ["localhost", "app", "latest", undefined]],
    ["localhost:5000/app", ["localhost:5000", "app", "latest", undefined]],
    ["localhost:5000", ["docker.io", "library/localhost", "5000", undefined]],
    ["test:5000/repo", ["test:5000", "repo", "latest", undefined]],
    ["test.com:8080/name:tag", ["test.com:8080", "name", "tag", undefined]],
    ["Uppercase/lower", ["Uppercase", "lower", "latest", undefined]],
    ["xn--n3h.com/app", ["xn--n3h.com", "app", "latest", undefined]],
    ["127.0.0.1/app", ["127.0.0.1", "app", "latest", undefined]],
    ["[::1]:5000/app:v1", ["[::1]:5000", "app", "v1", undefined]],
    ["[2001:db8::1]/app", ["[2001:db8::1]", "app", "latest", undefined]],
    ["foo_bar.com:8080", ["docker.io", "library/foo_bar.com", "8080", undefined]],
    ["a__b/c.d-e", ["docker.io", "a__b/c.d-e", "latest", undefined]],
    ["a---b", ["docker.io", "library/a---b", "latest", undefined]],
    ["0/1", ["docker.io", "0/1", "latest", undefined]],
    [`app@${digest}`, ["docker.io", "library/app", undefined, digest]],
    [`app:v1@${digest}`, ["docker.io", "library/app", "v1", digest]],
    [`host:5000/a/b:v1@${digest}`, ["host:5000", "a/b", "v1", digest]],
    ["app:_tag", ["docker.io", "library/app", "_tag", undefined]],
    [`app:${"t".repeat(128)}`, ["docker.io", "library/app", "t".repeat(128), undefined]],
    [`docker.io/${hex}`, ["docker.io", `library/${hex}`, "latest", undefined]],
    [`${hex}:latest`, ["docker.io", `library/${hex}`, "latest", undefined]],
    [hex.slice(1), ["docker.io", `library/${hex.slice(1)}`, "latest", undefined]],
  ])("%s", (input, expected) => {
    expect(parts(input)).toEqual(expected);
    expect(parseReference(input).input).toBe(input);
  });
});

describe("image references that are bad", () => {
  test.each([
    ["", /empty name component/],
    [" ", /not a repository name/],
    [":justtag", /empty name component/],
    [`@${digest}`, /empty name component/],
    ["app:", /is not a tag/],
    ["app@", /is not a sha256 digest/],
    [hex, /image ID/],
    ["Uppercase", /lower case/],
    ["team/App", /lower case/],
    ["localhost/UPPER", /lower case/],
    ["a//b", /empty name component/],
    ["/app", /empty name component/],
    ["ghcr.io/", /empty name component/],
    ["a/b/", /empty name component/],
    ["a/../b", /\.\. is not a repository name/],
    ["ghcr.io/../../etc", /\.\. is not a repository name/],
    ["./app", /\. is not a registry host/],
    ["../app", /\.\. is not a registry host/],
    ["a___b", /not a repository name/],
    ["a..b", /not a repository name/],
    ["-a", /not a repository name/],
    ["a-", /not a repository name/],
    ["a.-b", /not a repository name/],
    ["-host.com/app", /not a registry host/],
    ["host-.com/app", /not a registry host/],
    ["host..com/app", /not a registry host/],
    ["host:port/app", /not a registry host/],
    ["https://ghcr.io/app", /not a registry host/],
    ["user:pw@ghcr.io/app", /not a sha256 digest/],
    ["[::1/app", /not a registry host/],
    ["[fe80::1%eth0]:5000/app", /not a registry host/],
    ["app:tag:tag", /not a repository name/],
    ["app:-tag", /is not a tag/],
    [`app:${"t".repeat(129)}`, /is not a tag/],
    ["app:t/../x", /not a registry host/],
    [`app@${digest.slice(0, -1)}`, /not a sha256 digest/],
    [`app@${digest.toUpperCase()}`, /not a sha256 digest/],
    [`app@sha512:${hex}${hex}`, /not a sha256 digest/],
    [`app@${digest}:tag`, /not a sha256 digest/],
    [`app@${digest}@${digest}`, /not a sha256 digest/],
    [`${"a/".repeat(128)}a`, /longer than 255/],
    ["app\n", /not a repository name/],
    ["app\0", /not a repository name/],
    ["ápp", /not a repository name/],
    ["a b", /not a repository name/],
    ["app?x=1", /not a repository name/],
    ["app#x", /not a repository name/],
    ["app%2f", /not a repository name/],
  ])("%j: %s", (input, reason) => {
    const parse = (): unknown => parseReference(input);
    expect(parse).toThrow(reason);
    expect(parse).toThrow(
      expect.objectContaining({ code: "BAD_REFERENCE", hint: expect.stringContaining("HOST") as unknown }),
    );
  });

  test("are shown without control characters and not at full length", () => {
    expect(() => parseReference(`\u001b[31m${"x".repeat(10_000)}`)).toThrow(
      /^image reference: \?\[31mx{90,100}…: /,
    );
  });
});

describe("writing references", () => {
  test.each([
    ["busybox", "docker.io/library/busybox:latest", "busybox"],
    ["team/app:v1", "docker.io/team/app:v1", "team/app"],
    [`ghcr.io/a/b@${digest}`, `ghcr.io/a/b@${digest}`, "ghcr.io/a/b"],
    [`a:v1@${digest}`, `docker.io/library/a:v1@${digest}`, "a"],
    ["docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b"],
    ["docker.io/team.x/app", "docker.io/team.x/app:latest", "docker.io/team.x/app"],
    ["docker.io/localhost/app", "docker.io/localhost/app:latest", "docker.io/localhost/app"],
  ])("%s in full and in docker's short form", (input, full, short) => {
    const ref = parseReference(input);
    expect([formatReference(ref), familiarName(ref)]).toEqual([full, short]);
  });

  const name = fc.array(fc.stringMatching(/^[a-z0-9]{1,6}([._-][a-z0-9]{1,6})?$/), {
    minLength: 1,
    maxLength: 3,
  });
  const host = fc.constantFrom("", "docker.io/", "ghcr.io/", "localhost/", "h:5000/", "[::1]:80/");
  const suffix = fc.constantFrom("", ":v1", `@${digest}`, `:v1@${digest}`);

  test("and reading them back changes nothing", () => {
    fc.assert(
      fc.property(host, name, suffix, (h, n, s) => {
        const ref = parseReference(`${h}${n.join("/")}${s}`);
        const again = parseReference(formatReference(ref));
        expect({ ...again, input: "" }).toEqual({ ...ref, input: "" });
        const short = parseReference(familiarName(ref));
        expect([short.registry, short.repository]).toEqual([ref.registry, ref.repository]);
      }),
    );
  });

  test("never lets anything through that would change a URL or a path", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (input) => {
        let ref;
        try {
          ref = parseReference(input);
        } catch (error) {
          expect(error).toMatchObject({ code: "BAD_REFERENCE" });
          return;
        }
        expect(isRepositoryName(ref.repository)).toBe(true);
        expect(new URL(`http://x/v2/${ref.repository}/`).pathname).toBe(`/v2/${ref.repository}/`);
      }),
    );
  });
});

test.each([
  ["library/busybox", true],
  ["a", true],
  ["", false],
  ["..", false],
  ["a/../b", false],
  ["A", false],
  ["a/", false],
  ["a".repeat(256), false],
])("%j as a repository in a URL: %s", (text, valid) => {
  expect(isRepositoryName(text)).toBe(valid);
});

test.each([
  ["v1.0_x-y", true],
  ["_x", true],
  [".x", false],
  ["", false],
  ["a/b", false],
])("%j as a tag: %s", (text, valid) => {
  expect(isTag(text)).toBe(valid);
});
