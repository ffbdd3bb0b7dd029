import { describe, expect, test } from "vitest";
import { parseImageConfig } from "../../src/core/image-config.js";
import { limits } from "../../src/core/limits.js";

const diffId = `sha256:${"0123456789abcdef".repeat(4)}`;
const minimal = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [diffId] } };

function parse(value: unknown): ReturnType<typeof parseImageConfig> {
  return parseImageConfig(
    "config of x",
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
  );
}

describe("image configs that are good", () => {
  test("a full one as docker writes it", () => {
    const config = parse({
      ...minimal,
      architecture: "arm",
      variant: "v6",
      created: "2024-01-01T00:00:00Z",
      author: "someone",
      config: {
        User: "1000:1000",
        Env: ["PATH=/bin", "A=b=c"],
        Entrypoint: ["/bin/sh"],
        Cmd: ["-c", "true"],
        WorkingDir: "/srv",
        Volumes: { "/data": {} },
        ExposedPorts: { "80/tcp": {}, "53/udp": {} },
        Labels: { k: "v" },
        StopSignal: "SIGQUIT",
        Healthcheck: { Test: ["CMD", "/ok"], Interval: 5e9, Timeout: null, Retries: 3 },
        OnBuild: ["RUN make"],
        Shell: ["/bin/ash", "-c"],
      },
      history: [{ created: "x", created_by: "RUN", comment: "c" }, { empty_layer: true }],
      container_config: { anything: 1 },
    });
    expect(config).toEqual({
      platform: { os: "linux", architecture: "arm", variant: "v6" },
      created: "2024-01-01T00:00:00Z",
      author: "someone",
      process: {
        user: "1000:1000",
        env: ["PATH=/bin", "A=b=c"],
        entrypoint: ["/bin/sh"],
        cmd: ["-c", "true"],
        workingDir: "/srv",
        volumes: ["/data"],
        exposedPorts: ["80/tcp", "53/udp"],
        labels: { k: "v" },
        stopSignal: "SIGQUIT",
        healthcheck: { test: ["CMD", "/ok"], interval: 5e9, retries: 3 },
        onBuild: ["RUN make"],
        shell: ["/bin/ash", "-c"],
      },
      diffIds: [diffId],
      history: [{ created: "x", createdBy: "RUN", comment: "c", emptyLayer: false }, { emptyLayer: true }],
    });
  });

  const emptyProcess = {
    user: "",
    env: [],
    entrypoint: [],
    cmd: [],
    workingDir: "",
    volumes: [],
    exposedPorts: [],
    labels: {},
  };
  const nulls = {
    User: null,
    Env: null,
    Entrypoint: null,
    Cmd: null,
    WorkingDir: null,
    Volumes: null,
    ExposedPorts: null,
    Labels: null,
    StopSignal: null,
    Healthcheck: null,
    OnBuild: null,
    Shell: null,
  };
  test.each([
    ["only what must be there", minimal],
    [
      "null for everything that may be",
      { ...minimal, config: nulls, history: null, created: null, author: null, variant: null },
    ],
    ["a null config", { ...minimal, config: null }],
    ["an empty config", { ...minimal, config: {} }],
  ])("%s", (_, value) => {
    expect(parse(value)).toEqual({
      platform: { os: "linux", architecture: "amd64" },
      process: emptyProcess,
      diffIds: [diffId],
      history: [],
    });
  });

  test.each([[{ type: "layers" }], [{ type: "layers", diff_ids: null }], [{ type: "layers", diff_ids: [] }]])(
    "one without any layer: %j",
    (rootfs) => {
      expect(parse({ ...minimal, rootfs }).diffIds).toEqual([]);
    },
  );

  test("one whose creation time is no time, which only history shows", () => {
    expect(parse({ ...minimal, created: "yesterday" }).created).toBe("yesterday");
  });
});

describe("image configs that are refused", () => {
  test.each([
    ["no JSON", "\u007fELF"],
    ["null", "null"],
    ["a list", "[]"],
    ["deep nesting", `{"config":${'{"a":'.repeat(100_000)}`],
    ["no rootfs", { os: "linux", architecture: "amd64" }],
    ["no platform, as of other artifacts", {}],
    ["an empty architecture", { ...minimal, architecture: "" }],
    ["another kind of rootfs", { ...minimal, rootfs: { type: "files", diff_ids: [] } }],
    ["a diff ID in upper case", { ...minimal, rootfs: { type: "layers", diff_ids: [diffId.toUpperCase()] } }],
    ["a diff ID that climbs", { ...minimal, rootfs: { type: "layers", diff_ids: ["sha256:../x"] } }],
    [
      "too many layers",
      { ...minimal, rootfs: { type: "layers", diff_ids: Array(limits.layers + 1).fill(diffId) } },
    ],
    ["a command that is no list", { ...minimal, config: { Cmd: "echo hi" } }],
    ["a command of numbers", { ...minimal, config: { Cmd: [1] } }],
    ["a numeric user", { ...minimal, config: { User: 0 } }],
    ["an environment that is a map", { ...minimal, config: { Env: { A: "b" } } }],
  ])("%s", (_, value) => {
    expect(() => parse(value)).toThrow(/^config of x: malformed image config: /);
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: "BAD_MANIFEST" }));
  });
});
