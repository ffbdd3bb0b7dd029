import { afterEach, describe, expect, test } from "vitest";
import { parseReference } from "../../src/core/reference.js";
import { anonymous } from "../../src/registry/credentials.js";
import { noNetworkFiles } from "../../src/registry/endpoints.js";
import { listTags } from "../../src/registry/tags.js";
import {
  memoryContent,
  putJson,
  startTestRegistry,
  type Fault,
  type TestRegistry,
} from "../support/registry.js";
import { noAbort } from "../support/registry-client.js";
import { ociIndex } from "../../src/core/media-types.js";

let registry: TestRegistry | undefined;
afterEach(() => registry?.close());

async function tagsOf(tags: readonly string[], faults: readonly Fault[] = [], repository = "team/app") {
  const content = memoryContent();
  const top = putJson(content, { schemaVersion: 2, manifests: [] }, ociIndex);
  for (const tag of tags) content.tag("team/app", tag, top);
  registry = await startTestRegistry({ content, faults });
  return listTags(parseReference(`${registry.host}/${repository}`), {
    credentials: anonymous,
    userAgent: "pullrun-test",
    network: noNetworkFiles,
    signal: noAbort,
    timing: { retryBaseMs: 1 },
  });
}

function asked(): string[] {
  return registry?.requests.map(({ url }) => url).filter((url) => url.includes("/tags/")) ?? [];
}

function link(value: string): Fault {
  return { on: /tags\/list/, trouble: { kind: "header", name: "link", value } };
}

function answer(body: string, status = 200): Fault {
  return { on: /tags\/list/, trouble: { kind: "reply", status, body } };
}

describe("the tags of a repository", () => {
  test("come in pages of a thousand, each named by the one before", async () => {
    const tags = Array.from({ length: 2500 }, (_, i) => `v${String(i).padStart(4, "0")}`);
    expect(await tagsOf(tags)).toEqual(tags);
    expect(asked()).toEqual([
      "/v2/team/app/tags/list?n=1000",
      "/v2/team/app/tags/list?n=1000&last=v0999",
      "/v2/team/app/tags/list?n=1000&last=v1999",
    ]);
  });

  test.each([
    '</v2/team/app/tags/list?n=2&last=b>; rel="next"',
    "</v2/team/app/tags/list?n=2&last=b>;rel=next",
    '<http://169.254.169.254/v2/other/secret?n=2&last=b>; rel="next"',
    '<//evil.example/x?n=2&last=b>; rel="next"',
  ])("go on with the query of %s, at the same registry and repository", async (value) => {
    const first: Fault = { ...link(value), occurrences: [1] };
    expect(await tagsOf(["a", "b", "c"], [first])).toEqual(["a", "b", "c"]);
    expect(asked()).toEqual(["/v2/team/app/tags/list?n=1000", "/v2/team/app/tags/list?n=2&last=b"]);
  });

  test.each(["nonsense", "<>; rel=next", '<?n=1>; rel="last"'])(
    "end where the Link header is %s",
    async (value) => {
      expect(await tagsOf(["a"], [link(value)])).toEqual(["a"]);
      expect(asked()).toHaveLength(1);
    },
  );

  test("that name the same page for ever are refused", async () => {
    await expect(tagsOf(["a"], [link("<?n=1&last=a>; rel=next")])).rejects.toThrow(/list of tags has no end/);
  });

  test("that no reference could have are left out", async () => {
    const body = JSON.stringify({ tags: ["ok", "", "a b", "\u001b[2J", "x".repeat(129), "-x", "ok"] });
    expect(await tagsOf([], [answer(body)])).toEqual(["ok"]);
  });

  test("may be null", async () => {
    expect(await tagsOf([], [answer('{"name":"x","tags":null}')])).toEqual([]);
  });

  test.each([
    ["no JSON", "<html>"],
    ["null", "null"],
    ["text for tags", '{"tags":"x"}'],
    ["numbers for tags", '{"tags":[1]}'],
    ["deep nesting", `{"tags":${"[".repeat(1000)}`],
  ])("in an answer of %s are refused", async (_, body) => {
    await expect(tagsOf([], [answer(body)])).rejects.toMatchObject({ code: "PROTOCOL" });
  });

  test("of a repository that is not there: NAME_UNKNOWN, after one request", async () => {
    await expect(tagsOf(["a"], [], "team/none")).rejects.toMatchObject({
      code: "NAME_UNKNOWN",
      message: expect.stringMatching(/^tags of 127\.0\.0\.1:\d+\/team\/none: not found/) as unknown,
    });
    expect(asked()).toHaveLength(1);
  });

  test("are asked for again where the registry is briefly out of order", async () => {
    const busy: Fault = { ...answer("", 503), occurrences: [1, 2] };
    expect(await tagsOf(["a"], [busy])).toEqual(["a"]);
    expect(asked()).toHaveLength(3);
  });
});
