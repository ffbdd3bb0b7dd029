import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { RunOptions } from "../../src/launch/run-options.js";
import { validate } from "../support/json-schema.js";
import { runOptions, single, spec, subordinate } from "./samples.js";

const directory = "/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema";

const everything: Partial<RunOptions> = {
  memory: 64 << 20,
  memorySwap: 128 << 20,
  memoryReservation: 32 << 20,
  oomKillDisable: true,
  pidsLimit: 10,
  cpuShares: 512,
  cpuQuota: 50_000,
  cpuPeriod: 100_000,
  cpusetCpus: "0-1",
  cpusetMems: "0",
  blkioWeight: 100,
  ulimits: [{ name: "nofile", soft: 10, hard: -1 }],
  oomScoreAdj: 10,
  sysctls: { "net.ipv4.ip_forward": "1" },
  noNewPrivileges: true,
  capAdd: ["ALL"],
  groupAdd: ["5"],
  readOnly: true,
};

describe.skipIf(!existsSync(directory))(
  "needs golang-github-opencontainers-specs-dev: OCI's schema accepts the spec",
  () => {
    const load = (file: string): unknown => JSON.parse(readFileSync(path.join(directory, file), "utf8"));
    const problems = (document: unknown): string[] =>
      validate(JSON.parse(JSON.stringify(document)), { file: "config-schema.json", load });

    test.each([
      ["with no options", {}, undefined],
      ["with every limit and setting", everything, undefined],
      ["privileged", { privileged: true }, undefined],
      [
        "sharing the host's namespaces",
        { pid: "host", ipc: "host", uts: "host", cgroupns: "host", network: "host" },
        undefined,
      ],
      ["of an ordinary user", {}, subordinate],
      ["of one id", {}, single],
    ] as const)("%s", (_, options, privilege) => {
      const made = spec({ options: runOptions(options), ...(privilege === undefined ? {} : { privilege }) });
      expect(problems(made)).toEqual([]);
    });

    test("and refuses what is none", () => {
      const made = spec();
      expect(problems({ ...made, ociVersion: 1 })).not.toEqual([]);
      expect(problems({ ...made, process: { ...made.process, args: "sh" } })).not.toEqual([]);
      expect(
        problems({ ...made, linux: { ...made.linux, seccomp: { defaultAction: "ALLOW" } } }),
      ).not.toEqual([]);
      expect(
        problems({ ...made, linux: { ...made.linux, namespaces: [{ type: "time-and-space" }] } }),
      ).not.toEqual([]);
    });
  },
);
