import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Warning } from "../../src/registry/connection.js";
import { addImage, memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const image = addImage(content, { repository: "team/app", tag: "v1", layers: [patternBytes(100)] });

let registry: TestRegistry;
beforeEach(async () => {
  registry = await startTestRegistry({ content });
});
afterEach(() => registry.close());

async function warningsWith(limit: string, remaining: string): Promise<Warning[]> {
  registry.script([
    { on: /manifests/, trouble: { kind: "header", name: "ratelimit-limit", value: limit } },
    { on: /manifests/, trouble: { kind: "header", name: "ratelimit-remaining", value: remaining } },
  ]);
  const warnings: Warning[] = [];
  const source = openTestRepository(`${registry.host}/team/app:v1`, {
    onWarning: (warning) => void warnings.push(warning),
  });
  await source.document(await source.resolve(noAbort), noAbort);
  source.close();
  return warnings;
}

describe("a registry's pull limit", () => {
  test.each([
    ["100;w=21600", "10;w=21600", "10 of 100 pulls in 6 h left"],
    ["100;w=21600", "0;w=21600", "0 of 100 pulls in 6 h left"],
    ["200", "3", "3 of 200 pulls left"],
    ["10;w=90", "1", "1 of 10 pulls in 90 s left"],
    ["10;w=120;burst=3", "1;w=120", "1 of 10 pulls in 2 min left"],
  ])("of %s with %s left is told once, with what to do", async (limit, remaining, words) => {
    const host = registry.host;
    expect(await warningsWith(limit, remaining)).toEqual([
      {
        code: "quota",
        message: `${host}: ${words}; log in with \`pullrun login ${host}\` or set up a mirror before it runs out`,
      },
    ]);
  });

  test.each([
    ["100;w=21600", "11;w=21600"],
    ["0", "0"],
    ["many", "1"],
    ["100", "-1"],
    ["100", ""],
    ["99999999999", "1"],
  ])("of %s with %s left is no reason to speak", async (limit, remaining) => {
    expect(await warningsWith(limit, remaining)).toEqual([]);
  });

  test("that is used up is in the error, with what to do", async () => {
    const headers = {
      "ratelimit-limit": "100;w=21600",
      "ratelimit-remaining": "0;w=21600",
      "retry-after": "1800",
    };
    registry.script([{ on: /manifests/, trouble: { kind: "reply", status: 429, headers } }]);
    const source = openTestRepository(`${registry.host}/team/app:v1`);
    await expect(source.document(image.top, noAbort)).rejects.toMatchObject({
      code: "RATE_LIMITED",
      message: expect.stringContaining(
        `too many requests to ${registry.host}, 0 of 100 pulls in 6 h left (429)`,
      ) as unknown,
      hint: `wait 1800 s, log in for a higher limit (\`pullrun login ${registry.host}\`), or set up a mirror (certs.d/${registry.host}/hosts.toml)`,
    });
    source.close();
  });
});
