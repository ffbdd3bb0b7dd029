import { expect, test } from "vitest";
import { mountFlags } from "../../src/helper/constants.js";
import { capabilityMask, dockerCapabilities, parseOwnCapabilities } from "../../src/launch/capabilities.js";
import { containerFiles } from "../../src/launch/container-files.js";
import { createContainerId, shortId } from "../../src/launch/container-id.js";
import { parseMountOptions } from "../../src/launch/mount-options.js";
import { checkRunOptions } from "../../src/launch/run-options.js";
import { runOptions } from "./samples.js";

test("makes docker's capability mask, as /proc shows it in a docker container", () => {
  expect(capabilityMask(dockerCapabilities).toString(16)).toBe("a80425fb");
  expect(capabilityMask(["CAP_CHOWN"])).toBe(1n);
  expect(capabilityMask(["CAP_CHECKPOINT_RESTORE"])).toBe(1n << 40n);
  expect(() => capabilityMask(["CAP_ALL"])).toThrow("not a capability");
});

test("reads our own capability sets", () => {
  const status =
    "Name:\tnode\nCapPrm:\t000001fffeffffff\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n";
  expect(parseOwnCapabilities(status)).toEqual({ permitted: 0x1fffeffffffn, bounding: 0xa80425fbn });
  expect(parseOwnCapabilities("")).toEqual({ permitted: 0n, bounding: 0n });
});

test("makes container ids of 64 hex digits whose short form is no number", () => {
  const answers = [Buffer.alloc(32, 0x11), Buffer.alloc(32, 0xab)];
  const id = createContainerId(() => answers.shift()!);
  expect(id).toBe("ab".repeat(32));
  expect(shortId(id)).toBe("abababababab");
  expect(createContainerId()).toMatch(/^[0-9a-f]{64}$/);
  expect(createContainerId()).not.toBe(createContainerId());
});

test.each([
  [[], 0, ""],
  [["nosuid", "noexec", "nodev"], mountFlags.MS_NOSUID | mountFlags.MS_NOEXEC | mountFlags.MS_NODEV, ""],
  [["ro", "mode=755", "size=64k"], mountFlags.MS_RDONLY, "mode=755,size=64k"],
  [["rbind", "rprivate", "rw"], mountFlags.MS_REC, ""],
  [["newinstance", "gid=5"], 0, "newinstance,gid=5"],
] as const)("reads mount options %j", (options, flags, data) => {
  expect(parseMountOptions(options)).toEqual({ flags, data });
});

test("gives a container on the host's network the host's resolvers, and one without network none", () => {
  const contents = (network: "none" | "host"): Record<string, string> =>
    Object.fromEntries(
      containerFiles({ hostname: "box", network, resolvConf: "nameserver 192.0.2.1\n" }).map((f) => [
        f.target,
        f.content,
      ]),
    );
  expect(contents("host")["/etc/resolv.conf"]).toBe("nameserver 192.0.2.1\n");
  expect(contents("none")["/etc/resolv.conf"]).toBe("");
  expect(contents("none")["/etc/hostname"]).toBe("box\n");
  expect(contents("none")["/etc/hosts"]).toMatch(
    /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost .*\n127\.0\.0\.1\tbox\n$/s,
  );
});

test.each([
  [{ memory: 1024 }, "BAD_VALUE"],
  [{ memory: 1.5e9 + 0.5 }, "BAD_VALUE"],
  [{ pidsLimit: -2 }, "BAD_VALUE"],
  [{ memory: 64 << 20, memorySwap: 32 << 20 }, "BAD_VALUE"],
  [{ memorySwap: 64 << 20 }, "BAD_VALUE"],
  [{ memory: 64 << 20, memoryReservation: 65 << 20 }, "BAD_VALUE"],
  [{ cpuShares: 1 }, "BAD_VALUE"],
  [{ cpuPeriod: 999 }, "BAD_VALUE"],
  [{ cpuQuota: 0 }, "BAD_VALUE"],
  [{ cpus: 1, cpuQuota: 1000 }, "BAD_FLAG"],
  [{ cpusetCpus: "0-" }, "BAD_VALUE"],
  [{ cpusetMems: "0\n1" }, "BAD_VALUE"],
  [{ blkioWeight: 9 }, "BAD_VALUE"],
  [{ oomScoreAdj: 1001 }, "BAD_VALUE"],
  [{ pid: "other" as "host" }, "BAD_VALUE"],
  [{ cpus: 0 }, "BAD_VALUE"],
  [{ cpus: Number.NaN }, "BAD_VALUE"],
  [{ hostname: "a\n127.0.0.1 evil" }, "BAD_VALUE"],
  [{ hostname: "x".repeat(65) }, "BAD_VALUE"],
  [{ workdir: "app" }, "BAD_VALUE"],
  [{ isolation: "chroot", readOnly: true }, "BAD_FLAG"],
  [{ isolation: "chroot", hostname: "x" }, "BAD_FLAG"],
] as const)("refuses the options %j", (options, code) => {
  try {
    checkRunOptions(runOptions(options));
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code });
  }
});

test("accepts the smallest limits the kernel takes", () => {
  checkRunOptions(
    runOptions({ memory: 6 * 1024 * 1024, pidsLimit: 1, cpus: 0.01, hostname: "x".repeat(64) }),
  );
});
