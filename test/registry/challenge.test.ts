import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseChallenges } from "../../src/registry/challenge.js";

const hub = { realm: "https://auth.docker.io/token", service: "registry.docker.io" };
const scope = "repository:library/busybox:pull";

function plain(header: string | undefined): unknown {
  return parseChallenges(header).map((c) => [c.scheme, Object.fromEntries(c.parameters)]);
}

describe("WWW-Authenticate", () => {
  test.each([
    ["Docker Hub's own", `Bearer realm="${hub.realm}",service="${hub.service}",scope="${scope}"`],
    ["unquoted values", `Bearer realm="${hub.realm}",service=${hub.service},scope="${scope}"`],
    ["lower case scheme", `bearer realm="${hub.realm}",service="${hub.service}",scope="${scope}"`],
    ["upper case keys", `BEARER REALM="${hub.realm}",Service="${hub.service}",SCOPE="${scope}"`],
    [
      "spaces around everything",
      `  Bearer  realm = "${hub.realm}" , service ="${hub.service}" ,scope= "${scope}" `,
    ],
    ["missing commas", `Bearer realm="${hub.realm}" service="${hub.service}" scope="${scope}"`],
    ["no space after the quotes", `Bearer realm="${hub.realm}"service="${hub.service}"scope="${scope}"`],
    [
      "doubled and trailing commas",
      `Bearer realm="${hub.realm}",,service="${hub.service}",scope="${scope}",`,
    ],
    [
      "a repeated key: the first counts",
      `Bearer realm="${hub.realm}",service="${hub.service}",scope="${scope}",realm="x"`,
    ],
  ])("R6: reads %s", (_, header) => {
    expect(plain(header)).toEqual([["bearer", { ...hub, scope }]]);
  });

  test.each([
    [
      "commas inside quotes",
      'Bearer realm="r",scope="repository:a:pull,push"',
      [["bearer", { realm: "r", scope: "repository:a:pull,push" }]],
    ],
    ["escaped quotes", String.raw`Basic realm="a \"b\" \\c"`, [["basic", { realm: 'a "b" \\c' }]]],
    [
      "several challenges in one header",
      'Basic realm="x", Bearer realm="https://r/token",service="s", Negotiate',
      [
        ["basic", { realm: "x" }],
        ["bearer", { realm: "https://r/token", service: "s" }],
        ["negotiate", {}],
      ],
    ],
    [
      "an error beside the scope",
      'Bearer realm="r",error="insufficient_scope"',
      [["bearer", { realm: "r", error: "insufficient_scope" }]],
    ],
    ["an empty value", 'Bearer realm="",service=', [["bearer", { realm: "", service: "" }]]],
    ["a scheme alone", "Basic", [["basic", {}]]],
    ["no header", undefined, []],
    ["an empty header", "", []],
    ["only commas", ",,, ,", []],
    [
      "a quote that never closes: what came before stays",
      'Bearer realm="r",service="oops',
      [["bearer", { realm: "r" }]],
    ],
    ["equals signs first", "=== Bearer", []],
    [
      "a name that objects have",
      'Bearer __proto__="x",realm="r"',
      [
        [
          "bearer",
          Object.fromEntries([
            ["__proto__", "x"],
            ["realm", "r"],
          ]),
        ],
      ],
    ],
  ])("R6: reads %s", (_, header, expected) => {
    expect(plain(header)).toEqual(expected);
  });

  test("ignores a header longer than any honest one", () => {
    expect(parseChallenges(`Bearer realm="${"x".repeat(10_000)}"`)).toEqual([]);
  });

  test("never throws and never takes long, whatever comes", () => {
    const pieces = fc.constantFrom("Bearer", "realm", "=", '"', "\\", ",", " ", "\t", "x", "Basic realm=");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces, { maxLength: 300 }).map((p) => p.join("")),
        ),
        (header) => {
          for (const challenge of parseChallenges(header)) expect(challenge.scheme).not.toBe("");
        },
      ),
    );
  });

  test("reads back what a careful server writes", () => {
    const token = fc.stringMatching(/^[a-z]{1,8}$/);
    const challenge = fc.record({
      scheme: token,
      parameters: fc.dictionary(token, fc.stringMatching(/^[ -~]{0,20}$/)),
    });
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 3 }), (challenges) => {
        const header = challenges
          .map(({ scheme, parameters }) => {
            const quoted = Object.entries(parameters).map(
              ([k, v]) => `${k}="${v.replace(/["\\]/g, "\\$&")}"`,
            );
            return `${scheme} ${quoted.join(", ")}`;
          })
          .join(", ");
        expect(plain(header)).toEqual(challenges.map((c) => [c.scheme, { ...c.parameters }]));
      }),
    );
  });
});
