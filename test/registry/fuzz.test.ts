import { writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Descriptor } from "../../src/core/descriptor.js";
import { digestOf } from "../../src/core/digest.js";
import { PullrunError } from "../../src/core/errors.js";
import { parseImageConfig } from "../../src/core/image-config.js";
import { parseManifest } from "../../src/core/manifest.js";
import * as mediaTypes from "../../src/core/media-types.js";
import { parseReference } from "../../src/core/reference.js";
import { parseAuthFile } from "../../src/registry/auth-file.js";
import { openBlob, openBlobRange } from "../../src/registry/blob.js";
import type { Connection } from "../../src/registry/connection.js";
import { readHostsFile } from "../../src/registry/hosts-toml.js";
import { findRoute } from "../../src/registry/registries-conf.js";
import { quotaWarning } from "../../src/registry/quota.js";
import { temporaryDirectory } from "../support/cli.js";
import { collect, noAbort } from "../support/registry-client.js";

/** Runs `task`; any error but one of ours is a bug, and so is a message of several lines. */
async function onlyOurs(task: () => unknown): Promise<void> {
  try {
    await task();
  } catch (error) {
    if (!(error instanceof PullrunError)) throw error;

    expect(error.message).not.toMatch(/[\u0000-\u001f\u007f]/);
  }
}

/** JSON values, most of them near `shape`: its members, with some of them replaced by anything. */
function near(shape: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  const members = Object.entries(shape).map(([key, value]): [string, fc.Arbitrary<unknown>] => [
    key,
    fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue() }),
  ]);
  return fc.oneof(
    { weight: 8, arbitrary: fc.record(Object.fromEntries(members), { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
}

interface Answer {
  readonly status: number;
  readonly contentRange: string | undefined;
  readonly length: string | undefined;
  readonly body: Uint8Array;
}

/** A server that always says this. */
function answering({ status, contentRange, length, body }: Answer): Connection {
  const headers: Record<string, string | undefined> = {
    "content-range": contentRange,
    "content-length": length,
  };
  return {
    request: () =>
      Promise.resolve({
        status,
        url: new URL("https://h.example/"),
        header: (name) => headers[name],
        body: (async function* () {
          await Promise.resolve();
          yield body;
        })(),
        discard: () => undefined,
      }),
    close: () => undefined,
  };
}

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }));
const digest = fc.oneof(
  text,
  fc.stringMatching(/^sha(256|512):[0-9a-fA-F]{60,66}$/),
  fc.constant(digestOf(Buffer.of())),
);
const number = fc.oneof(fc.integer(), fc.double(), fc.bigInt().map(Number));
const mediaType = fc.oneof(
  text,
  fc.constantFrom(...Object.values(mediaTypes).filter((type) => typeof type === "string")),
);
const platform = near({ os: text, architecture: text, variant: text });
const descriptor = near({
  mediaType,
  digest,
  size: number,
  platform,
  annotations: fc.dictionary(text, text),
  urls: fc.array(text),
});
const manifest = near({
  schemaVersion: fc.constantFrom(1, 2, 3),
  mediaType,
  config: descriptor,
  layers: fc.array(descriptor, { maxLength: 4 }),
  manifests: fc.array(descriptor, { maxLength: 4 }),
  fsLayers: fc.array(fc.jsonValue(), { maxLength: 2 }),
});
const config = near({
  os: text,
  architecture: text,
  rootfs: near({ type: fc.constantFrom("layers", "other"), diff_ids: fc.array(digest, { maxLength: 4 }) }),
  config: near({
    Env: fc.array(text),
    Cmd: fc.array(text),
    Entrypoint: fc.array(text),
    User: text,
    WorkingDir: text,
    Labels: fc.dictionary(text, text),
  }),
  history: fc.array(near({ created: text, created_by: text, empty_layer: fc.boolean() }), { maxLength: 3 }),
});

describe("whatever comes, nothing is thrown but our own errors, in one line", () => {
  test("by the parser of references", async () => {
    await fc.assert(fc.asyncProperty(text, (input) => onlyOurs(() => parseReference(input))));
  });

  test("by the parser of manifests and indexes", async () => {
    await fc.assert(
      fc.asyncProperty(manifest, fc.option(mediaType, { nil: undefined }), (value, type) =>
        onlyOurs(() => parseManifest("fuzz", Buffer.from(JSON.stringify(value)), type)),
      ),
      { numRuns: 500 },
    );
  });

  test("by the parser of manifests, of bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), (bytes) => onlyOurs(() => parseManifest("fuzz", bytes, undefined))),
    );
  });

  test("by the parser of image configs", async () => {
    await fc.assert(
      fc.asyncProperty(config, (value) =>
        onlyOurs(() => parseImageConfig("fuzz", Buffer.from(JSON.stringify(value)))),
      ),
      { numRuns: 500 },
    );
  });

  test("by the reader of credentials files, which also quotes nothing", async () => {
    const place = fc.constantFrom(
      "h.example",
      "h.example/team/app",
      "docker.io",
      "__proto__",
      "constructor/x",
    );
    const key = fc.oneof(
      text,
      place,
      fc.constantFrom("https://h.example/v2/", "https://index.docker.io/v1/"),
    );
    const login = near({
      auth: fc.oneof(text, fc.base64String()),
      username: text,
      password: text,
      identitytoken: text,
    });
    const file = near({
      auths: fc.dictionary(key, login),
      credHelpers: fc.dictionary(key, text),
      credsStore: text,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          file.map((value) => JSON.stringify(value)),
          text,
        ),
        place,
        (content, where) => onlyOurs(() => parseAuthFile("/c.json", content).find(where)),
      ),
      { numRuns: 500 },
    );
  });

  const size = 100;
  const blob: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(Buffer.of()), size };
  const range = fc.oneof(
    text,
    fc.tuple(number, number, number).map(([first, last, total]) => `bytes ${first}-${last}/${total}`),
    fc.constantFrom("bytes 10-99/100", "bytes 10-99/*", "bytes */100", "bytes 10-99", "BYTES 10-99/100"),
    fc.constantFrom(
      "bytes 10-39/100",
      "bytes 10-39/*",
      "bytes 10-39/99",
      "bytes 10-40/100",
      "bytes 9-39/100",
    ),
  );
  const answer = fc.record({
    status: fc.constantFrom(200, 206, 416, 404, 302, 500),
    range: fc.option(range, { nil: undefined }),
    length: fc.option(text, { nil: undefined }),
    body: fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 30, maxLength: 30 })),
  });

  test("by a download, for any Content-Range, length and bytes", async () => {
    const offset = 10;
    await fc.assert(
      fc.asyncProperty(answer, async ({ status, range: contentRange, length, body }) => {
        const connection = answering({ status, contentRange, length, body });
        await onlyOurs(async () => {
          const opened = await openBlob(connection, {
            what: "blob",
            descriptor: blob,
            offset,
            signal: noAbort,
          });
          const bytes = await collect(opened.body);
          // Taken over only if it is the part asked for, or the whole with what we have left out.
          if (status === 206) expect(contentRange).toMatch(/^bytes 10-99\/(100|\*)$/);
          else expect(bytes).toEqual(Buffer.from(body.subarray(offset)));
        });
      }),
      { numRuns: 1000 },
    );
  });

  test("by a download of a part, which is that part or nothing", async () => {
    await fc.assert(
      fc.asyncProperty(answer, async ({ status, range: contentRange, length, body }) => {
        const connection = answering({ status, contentRange, length, body });
        const request = { what: "blob", descriptor: blob, start: 10, end: 40, signal: noAbort };
        await onlyOurs(async () => {
          const bytes = await collect(await openBlobRange(connection, request));
          expect({ status, bytes }).toEqual({ status: 206, bytes: Buffer.from(body) });
          expect(bytes).toHaveLength(30);
          expect(contentRange).toMatch(/^bytes 10-39\/(100|\*)$/);
        });
      }),
      { numRuns: 1000 },
    );
  });

  test("by the readers of hosts.toml and registries.conf", async () => {
    const file = path.join(temporaryDirectory(), "hosts.toml");
    const toml = fc
      .array(
        fc.constantFrom(
          'server = "https://h.example"',
          "server = 5",
          '[host."http://m.example"]',
          '[host."::"]',
          "[[registry]]",
          'prefix = "docker.io"',
          'location = "m.example/a"',
          'location = "/"',
          "[[registry.mirror]]",
          "blocked = false",
          'capabilities = ["pull"]',
          "capabilities = 1",
          'dial_timeout = "1h"',
          'dial_timeout = "x"',
          "skip_verify = true",
          'ca = "x"',
          'client = [["a", "b"], "c"]',
          "[",
          '[host."m".header]',
          'a = "b"',
          '"\\u0000" = "\\n"',
          "override_path = true",
        ),
        { maxLength: 8 },
      )
      .map((lines) => lines.join("\n"));
    const ref = parseReference("alpine");
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 4, arbitrary: toml }, { weight: 1, arbitrary: text }),
        async (content) => {
          writeFileSync(file, content);
          await onlyOurs(() => readHostsFile(file));
          await onlyOurs(() => findRoute([file], ref));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("by the reader of a registry's limits", () => {
    const header = fc.oneof(
      text,
      fc.tuple(number, text, number).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(header, header, (limit, remaining) => {
        const headers: Record<string, string> = {
          "ratelimit-limit": limit,
          "ratelimit-remaining": remaining,
        };
        const response = {
          status: 200,
          url: new URL("https://h.example/"),
          header: (name: string) => headers[name],
        };
        const warning = quotaWarning({
          ...response,
          body: (async function* () {})(),
          discard: () => undefined,
        });
        expect(warning ?? "h.example: ").toMatch(/^h\.example: [^\n]*$/);
      }),
    );
  });
});
