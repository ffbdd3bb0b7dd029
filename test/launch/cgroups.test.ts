import { describe, expect, test } from "vitest";
import type { PlanStep } from "../../src/helper/plan.js";
import { hasSwapAccounting, type CgroupHost } from "../../src/launch/cgroup-host.js";
import { parseHierarchies } from "../../src/launch/cgroup-hierarchies.js";
import { cpuWeight } from "../../src/launch/cgroup-limits.js";
import { planCgroups, type CgroupPlan } from "../../src/launch/cgroups.js";
import { limitResources } from "../../src/launch/resources.js";

const v1Mounts = ["cpu,cpuacct", "cpuset", "memory", "pids"].map(
  (names, i) =>
    `4${i} 31 0:3${i} / /sys/fs/cgroup/${names} rw,nosuid shared:1${i} - cgroup cgroup rw,${names}`,
);
const hybrid = [
  "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
  "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu",
  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
  "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids",
  "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd",
  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
].join("\n");
const hybridSelf = "4:memory:/service/a\n8:pids:/\n1:cpu:/\n9:name=systemd:/\n0::/\n";
const unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot";

interface FakeHost {
  readonly mountinfo: string;
  readonly self: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Paths that start with one of these can be written. */
  readonly writable?: readonly string[];
}

function fakeHost({ mountinfo, self, files = {}, writable = ["/"] }: FakeHost): CgroupHost {
  return {
    hierarchies: parseHierarchies(mountinfo, self),
    read: (path) => files[path],
    writable: (path) => writable.some((prefix) => path.startsWith(prefix)),
  };
}

const noLimits = {};
const allLimits = { memory: 64 << 20, pidsLimit: 10, cpus: 0.5 };

function plan(host: CgroupHost, limits: Parameters<typeof limitResources>[0]): CgroupPlan {
  return planCgroups({ resources: limitResources(limits, true), containerId: "ID" }, host);
}

function text(steps: readonly PlanStep[]): string[] {
  return steps.flatMap((step) => {
    if (step.kind === "make-dir") return [`mkdir ${step.path}`];
    if (step.kind === "write") return [`${step.path} = ${step.data}`];
    if (step.kind === "move-processes") return [`move ${step.from} to ${step.to}`];
    if (step.kind === "write-either")
      return [`${step.path} = ${step.data}, or ${step.otherwise} = ${step.otherwiseData}`];
    if (step.kind === "oom-file") return [`${step.key} in ${step.path}`];
    return step.kind === "hint" ? [] : [step.kind];
  });
}

describe("hierarchies", () => {
  test.each([
    [
      "v1",
      v1Mounts.join("\n"),
      "2:cpu,cpuacct:/a\n3:memory:/m\n4:pids:/\n5:cpuset:/\n",
      [
        "1 cpu,cpuacct /sys/fs/cgroup/cpu,cpuacct/a",
        "1 cpuset /sys/fs/cgroup/cpuset",
        "1 memory /sys/fs/cgroup/memory/m",
        "1 pids /sys/fs/cgroup/pids",
      ],
    ],
    [
      "controllers named in another order",
      v1Mounts[0]!,
      "2:cpuacct,cpu:/a\n",
      ["1 cpu,cpuacct /sys/fs/cgroup/cpu,cpuacct/a"],
    ],
    [
      "hybrid, leaving out named hierarchies",
      hybrid,
      hybridSelf,
      [
        "1 cpu /sys/fs/cgroup/cpu",
        "1 memory /sys/fs/cgroup/memory/service/a",
        "1 pids /sys/fs/cgroup/pids",
        "2  /sys/fs/cgroup/unified",
      ],
    ],
    ["v2", unified, "0::/user.slice/s.scope\n", ["2  /sys/fs/cgroup/user.slice/s.scope"]],
    ["v2 in a cgroup namespace", unified, "0::/\n", ["2  /sys/fs/cgroup"]],
    [
      "a mount of our own part only",
      "1 2 0:3 /docker/abc /sys/fs/cgroup/memory rw - cgroup c rw,memory",
      "4:memory:/docker/abc/x\n",
      ["1 memory /sys/fs/cgroup/memory/x"],
    ],
    [
      "a mount of another part",
      "1 2 0:3 /docker/abc /sys/fs/cgroup/memory rw - cgroup c rw,memory",
      "4:memory:/docker/abcd\n",
      ["1 memory /sys/fs/cgroup/memory"],
    ],
    ["a cgroup above our namespace's root", unified, "0::/../other\n", ["2  /sys/fs/cgroup"]],
    [
      "the same hierarchy mounted twice",
      `1 2 0:3 /x /part rw - cgroup2 c rw\n${unified}`,
      "0::/\n",
      ["2  /sys/fs/cgroup"],
    ],
    [
      "a mount point with a space",
      "1 2 0:3 / /my\\040cgroups rw - cgroup2 c rw",
      "0::/\n",
      ["2  /my cgroups"],
    ],
    ["nothing mounted", "22 27 0:21 / /proc rw - proc proc rw", "0::/\n", []],
    ["unreadable files", "", "", []],
  ] as const)("finds %s", (_, mountinfo, self, expected) => {
    const found = parseHierarchies(mountinfo, self);
    expect(found.map((h) => `${h.version} ${h.controllers.join(",")} ${h.own}`)).toEqual(expected);
  });
});

describe("cgroup v1 and hybrid", () => {
  const memsw = { "/sys/fs/cgroup/memory/service/a/memory.memsw.limit_in_bytes": "9223372036854771712\n" };

  test.each([
    ["v1", v1Mounts.join("\n"), ""],
    ["hybrid", hybrid, hybridSelf],
  ])("touches nothing without limits: %s", (_, mountinfo, self) => {
    expect(plan(fakeHost({ mountinfo, self }), noLimits)).toEqual({
      hostSteps: [],
      childSteps: [],
      procsFiles: [],
      cleanupSteps: [],
      own: [],
      unified: false,
    });
  });

  test("sets each limit in its own hierarchy, below our own cgroup", () => {
    const made = plan(fakeHost({ mountinfo: hybrid, self: hybridSelf, files: memsw }), allLimits);
    expect(text(made.hostSteps)).toEqual([
      "mkdir /sys/fs/cgroup/cpu/pullrun",
      "mkdir /sys/fs/cgroup/cpu/pullrun/ID",
      "/sys/fs/cgroup/cpu/pullrun/ID/cpu.cfs_period_us = 100000",
      "/sys/fs/cgroup/cpu/pullrun/ID/cpu.cfs_quota_us = 50000",
      "mkdir /sys/fs/cgroup/memory/service/a/pullrun",
      "mkdir /sys/fs/cgroup/memory/service/a/pullrun/ID",
      `/sys/fs/cgroup/memory/service/a/pullrun/ID/memory.limit_in_bytes = ${64 << 20}`,
      `/sys/fs/cgroup/memory/service/a/pullrun/ID/memory.memsw.limit_in_bytes = ${128 << 20}`,
      `oom_kill in /sys/fs/cgroup/memory/service/a/pullrun/ID/memory.oom_control`,
      "mkdir /sys/fs/cgroup/pids/pullrun",
      "mkdir /sys/fs/cgroup/pids/pullrun/ID",
      "/sys/fs/cgroup/pids/pullrun/ID/pids.max = 10",
    ]);
    expect(made.procsFiles).toEqual([
      "/sys/fs/cgroup/cpu/pullrun/ID/cgroup.procs",
      "/sys/fs/cgroup/memory/service/a/pullrun/ID/cgroup.procs",
      "/sys/fs/cgroup/pids/pullrun/ID/cgroup.procs",
    ]);
    expect(made.cleanupSteps).toHaveLength(3);
  });

  test("leaves swap alone where the kernel does not count it", () => {
    const made = plan(fakeHost({ mountinfo: hybrid, self: hybridSelf }), { memory: 64 << 20 });
    expect(text(made.hostSteps).filter((line) => line.includes("memsw"))).toEqual([]);
    expect(hasSwapAccounting(fakeHost({ mountinfo: hybrid, self: hybridSelf }))).toBe(false);
    expect(hasSwapAccounting(fakeHost({ mountinfo: hybrid, self: hybridSelf, files: memsw }))).toBe(true);
  });

  test("takes a controller from v2 when v1 does not have it", () => {
    const mountinfo = `${v1Mounts[2]!}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;
    const files = { "/sys/fs/cgroup/unified/cgroup.controllers": "pids hugetlb\n" };
    const made = plan(fakeHost({ mountinfo, self: "", files }), { memory: 64 << 20, pidsLimit: 10 });
    expect(text(made.hostSteps)).toContain(
      "/sys/fs/cgroup/memory/pullrun/ID/memory.limit_in_bytes = 67108864",
    );
    expect(text(made.hostSteps)).toContain("/sys/fs/cgroup/unified/pullrun/ID/pids.max = 10");
    expect(made.own.map(({ version }) => version)).toEqual([1, 2]);
  });
});

describe("cgroup v2", () => {
  const controllers = "cpuset cpu io memory pids\n";

  test("makes /pullrun/ID at the root as root, enabling controllers from the top down", () => {
    const files = {
      "/sys/fs/cgroup/cgroup.controllers": controllers,
      "/sys/fs/cgroup/cgroup.subtree_control": "memory pids\n",
    };
    const made = plan(fakeHost({ mountinfo: unified, self: "0::/user.slice/x.scope\n", files }), allLimits);
    expect(text(made.hostSteps)).toEqual([
      "/sys/fs/cgroup/cgroup.subtree_control = +cpu",
      "mkdir /sys/fs/cgroup/pullrun",
      "/sys/fs/cgroup/pullrun/cgroup.subtree_control = +memory +pids +cpu",
      "mkdir /sys/fs/cgroup/pullrun/ID",
      `/sys/fs/cgroup/pullrun/ID/memory.max = ${64 << 20}`,
      `/sys/fs/cgroup/pullrun/ID/memory.swap.max = ${64 << 20}`,
      "/sys/fs/cgroup/pullrun/ID/pids.max = 10",
      "/sys/fs/cgroup/pullrun/ID/cpu.max = 50000 100000",
      "oom_kill in /sys/fs/cgroup/pullrun/ID/memory.events",
    ]);
    expect(made).toMatchObject({ unified: true, own: [{ version: 2 }] });
    expect(made.cleanupSteps).toEqual([{ kind: "remove-cgroup", path: "/sys/fs/cgroup/pullrun/ID" }]);
  });

  test("makes /pullrun/ID as root also when nothing is limited", () => {
    expect(text(plan(fakeHost({ mountinfo: unified, self: "0::/\n" }), noLimits).hostSteps)).toEqual([
      "mkdir /sys/fs/cgroup/pullrun",
      "mkdir /sys/fs/cgroup/pullrun/ID",
    ]);
  });

  const scope = "/sys/fs/cgroup/user.slice/app.slice/run-1.scope";
  const delegated: FakeHost = {
    mountinfo: unified,
    self: "0::/user.slice/app.slice/run-1.scope\n",
    writable: [scope],
    files: {
      "/sys/fs/cgroup/cgroup.controllers": controllers,
      [`${scope}/cgroup.controllers`]: "memory pids\n",
      [`${scope}/cgroup.procs`]: "41\n42\n0\n",
      [`${scope}/cgroup.subtree_control`]: "\n",
    },
  };

  test("makes room in a delegated scope before enabling controllers (no internal processes)", () => {
    const made = plan(fakeHost(delegated), { memory: 64 << 20 });
    expect(text(made.hostSteps)).toEqual([
      `mkdir ${scope}/pullrun-supervisor`,
      `move ${scope}/cgroup.procs to ${scope}/pullrun-supervisor/cgroup.procs`,
      `${scope}/cgroup.subtree_control = +memory`,
      `mkdir ${scope}/pullrun-ID`,
      `${scope}/pullrun-ID/memory.max = ${64 << 20}`,
      `${scope}/pullrun-ID/memory.swap.max = ${64 << 20}`,
      `oom_kill in ${scope}/pullrun-ID/memory.events`,
    ]);
  });

  test("starts the next container of that scope beside the first", () => {
    const files = {
      ...delegated.files,
      [`${scope}/cgroup.procs`]: "",
      [`${scope}/cgroup.subtree_control`]: "pids\n",
    };
    const self = "0::/user.slice/app.slice/run-1.scope/pullrun-supervisor\n";
    const made = plan(fakeHost({ ...delegated, files, self }), { pidsLimit: 5 });
    expect(text(made.hostSteps)).toEqual([`mkdir ${scope}/pullrun-ID`, `${scope}/pullrun-ID/pids.max = 5`]);
  });

  test("leaves a user's cgroups alone when nothing is limited", () => {
    const made = plan(fakeHost(delegated), noLimits);
    expect(made).toMatchObject({ hostSteps: [], procsFiles: [], cleanupSteps: [] });
  });

  test("works in a container whose cgroup namespace is writable", () => {
    const files = {
      "/sys/fs/cgroup/cgroup.type": "domain\n",
      "/sys/fs/cgroup/cgroup.controllers": controllers,
      "/sys/fs/cgroup/cgroup.procs": "1\n",
    };
    const made = plan(fakeHost({ mountinfo: unified, self: "0::/\n", files }), { pidsLimit: 5 });
    expect(text(made.hostSteps)).toEqual([
      "mkdir /sys/fs/cgroup/pullrun-supervisor",
      "move /sys/fs/cgroup/cgroup.procs to /sys/fs/cgroup/pullrun-supervisor/cgroup.procs",
      "/sys/fs/cgroup/cgroup.subtree_control = +pids",
      "mkdir /sys/fs/cgroup/pullrun-ID",
      "/sys/fs/cgroup/pullrun-ID/pids.max = 5",
    ]);
    expect(text(plan(fakeHost({ mountinfo: unified, self: "0::/\n", files }), noLimits).hostSteps)).toEqual(
      [],
    );
  });

  const session = "0::/user.slice/user-1000.slice/session-3.scope\n";
  test.each([
    ["nothing is mounted", { mountinfo: "", self: "" }, "mounted nowhere", "/sys/fs/cgroup"],
    ["v1 is not ours", { mountinfo: hybrid, self: hybridSelf, writable: [] }, "cgroup v1 at", "sudo"],
    [
      "the session is not delegated",
      { mountinfo: unified, self: session, writable: [] },
      "is not writable",
      "systemd-run --user --scope -p Delegate=yes",
    ],
    [
      "the scope lacks the controller",
      { ...delegated, files: { ...delegated.files, [`${scope}/cgroup.controllers`]: "pids\n" } },
      "not available in",
      "Delegate=memory",
    ],
    [
      "the kernel lacks it",
      { mountinfo: unified, self: "0::/\n" },
      "not available in /sys/fs/cgroup (there: none)",
      "kernel",
    ],
  ])("refuses a limit when %s, and says what to do", (_, host, problem, hint) => {
    try {
      plan(fakeHost(host), { memory: 64 << 20 });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: "NO_CGROUP",
        message: expect.stringMatching(/^--memory: cgroup controller memory: /) as string,
        hint: expect.stringContaining(hint) as string,
      });
      expect(error).toHaveProperty("message", expect.stringContaining(problem));
    }
  });
});

describe("every limit", () => {
  const limits = {
    memory: 64 << 20,
    memorySwap: -1,
    memoryReservation: 32 << 20,
    pidsLimit: 10,
    cpuShares: 2048,
    cpuQuota: -1,
    cpuPeriod: 50_000,
    cpusetCpus: "0-1",
    cpusetMems: "0",
    blkioWeight: 500,
  };

  test.each([
    [
      "v1",
      "45 31 0:35 / /c/cpuset rw - cgroup cgroup rw,cpuset",
      "1:cpuset:/\n",
      "/c/cpuset/cpuset.effective_cpus",
    ],
    ["v2", unified, "0::/\n", "/sys/fs/cgroup/cpuset.cpus.effective"],
  ])("names CPUs that are not there on %s, where the kernel would not", (_, mountinfo, self, file) => {
    const host = fakeHost({ mountinfo, self, files: { [file]: "0-3,8\n" } });
    const plan = (cpusetCpus: string): unknown =>
      planCgroups({ resources: limitResources({ ...noLimits, cpusetCpus }, true), containerId: "ID" }, host);
    expect(() => plan("2-4")).toThrow("--cpuset-cpus: 2-4: 4 is not here (expected of 0-3,8)");
    expect(() => plan("0-999999999999")).toThrow("999999999999 is not here");
    expect(() => plan("1,8")).not.toThrow("is not here");
  });

  test("is a file of its controller on v1, and a new cpuset starts as the one above it", () => {
    const controllers = ["cpu", "cpuset", "memory", "pids", "blkio", "freezer"];
    const mountinfo = controllers
      .map((name, i) => `4${i} 31 0:3${i} / /c/${name} rw - cgroup cgroup rw,${name}`)
      .join("\n");
    const files = {
      "/c/memory/memory.memsw.limit_in_bytes": "1",
      "/c/cpuset/cpuset.cpus": "0-3\n",
      "/c/cpuset/cpuset.mems": "0\n",
    };
    const host = fakeHost({
      mountinfo,
      self: controllers.map((name, i) => `${i}:${name}:/`).join("\n"),
      files,
    });
    const input = {
      resources: limitResources({ ...limits, oomKillDisable: true }, true),
      containerId: "ID",
      freeze: true,
    };
    const made = text(planCgroups(input, host).hostSteps);
    expect(made.filter((line) => !line.startsWith("mkdir"))).toEqual([
      "/c/cpu/pullrun/ID/cpu.shares = 2048",
      "/c/cpu/pullrun/ID/cpu.cfs_period_us = 50000",
      "/c/cpu/pullrun/ID/cpu.cfs_quota_us = -1",
      "/c/cpuset/pullrun/cpuset.cpus = 0-3",
      "/c/cpuset/pullrun/cpuset.mems = 0",
      "/c/cpuset/pullrun/ID/cpuset.cpus = 0-3",
      "/c/cpuset/pullrun/ID/cpuset.mems = 0",
      "/c/cpuset/pullrun/ID/cpuset.cpus = 0-1",
      "/c/cpuset/pullrun/ID/cpuset.mems = 0",
      "/c/memory/pullrun/ID/memory.limit_in_bytes = 67108864",
      "/c/memory/pullrun/ID/memory.memsw.limit_in_bytes = -1",
      "/c/memory/pullrun/ID/memory.soft_limit_in_bytes = 33554432",
      "/c/memory/pullrun/ID/memory.oom_control = 1",
      "oom_kill in /c/memory/pullrun/ID/memory.oom_control",
      "/c/pids/pullrun/ID/pids.max = 10",
      "/c/blkio/pullrun/ID/blkio.bfq.weight = 500, or /c/blkio/pullrun/ID/blkio.weight = 500",
    ]);
    expect(made).toContain("mkdir /c/freezer/pullrun/ID");
  });

  test("is a file of the one cgroup on v2", () => {
    const files = { "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids" };
    const host = fakeHost({ mountinfo: unified, self: "0::/", files });
    const made = text(plan(host, limits).hostSteps).filter((line) => line.includes("/ID/"));
    expect(made.map((line) => line.replace("/sys/fs/cgroup/pullrun/ID/", ""))).toEqual([
      "memory.max = 67108864",
      "memory.swap.max = max",
      "memory.low = 33554432",
      "pids.max = 10",
      "cpu.weight = 174",
      "cpu.max = max 50000",
      "cpuset.cpus = 0-1",
      "cpuset.mems = 0",
      "io.bfq.weight = 500, or /sys/fs/cgroup/pullrun/ID/io.weight = 4950",
      "oom_kill in memory.events",
    ]);
  });

  test.each([
    [2, 1],
    [1024, 100],
    [262_144, 10_000],
  ])("of %i shares has the weight %i", (shares, weight) => {
    expect(cpuWeight(shares)).toBe(weight);
  });

  test("that v2 does not have is refused", () => {
    const host = fakeHost({ mountinfo: unified, self: "0::/" });
    expect(() => plan(host, { oomKillDisable: true })).toThrow(
      "--oom-kill-disable: cgroup v2 has no such setting",
    );
  });

  test("on swap is refused where the kernel does not count it", () => {
    expect(() => limitResources({ memory: 64 << 20, memorySwap: -1 }, false)).toThrow(
      "--memory-swap: the kernel does not count",
    );
  });

  test("left out for a freezer alone where there is none to be had, and no error", () => {
    const input = { resources: limitResources({}, true), containerId: "ID", freeze: true };
    const host = fakeHost({ mountinfo: unified, self: "0::/user.slice", writable: [] });
    expect(planCgroups(input, host).hostSteps).toEqual([]);
  });

  describe("rules for devices", () => {
    const resources = limitResources({}, true);
    const deviceSteps = (version: number, group: string): PlanStep[] => [
      { kind: "write", path: `${group}/v${version}`, data: "" },
    ];
    const input = { resources, containerId: "ID", deviceSteps };
    const v1 = "42 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices";

    test("go to the devices hierarchy where there is one, in the child", () => {
      const host = fakeHost({ mountinfo: `${hybrid}\n${v1}`, self: "5:devices:/a\n0::/\n" });
      const { hostSteps, childSteps, procsFiles } = planCgroups(input, host);
      expect(text(hostSteps)).toEqual([
        "mkdir /sys/fs/cgroup/devices/a/pullrun",
        "mkdir /sys/fs/cgroup/devices/a/pullrun/ID",
      ]);
      expect(text(childSteps)).toEqual(["/sys/fs/cgroup/devices/a/pullrun/ID/v1 = "]);
      expect(procsFiles).toEqual(["/sys/fs/cgroup/devices/a/pullrun/ID/cgroup.procs"]);
    });

    test.each([
      ["hybrid without it", hybrid, hybridSelf, "/sys/fs/cgroup/unified/pullrun/ID"],
      ["v2", unified, "0::/user.slice", "/sys/fs/cgroup/pullrun/ID"],
    ])("go to v2, which needs no controller for it: %s", (_, mountinfo, self, group) => {
      const { hostSteps, childSteps } = planCgroups(input, fakeHost({ mountinfo, self }));
      expect(text(hostSteps).at(-1)).toBe(`mkdir ${group}`);
      expect(text(hostSteps).filter((line) => line.includes("subtree_control"))).toEqual([]);
      expect(text(childSteps)).toEqual([`${group}/v2 = `]);
    });

    test.each([
      ["mounted nowhere", "", []],
      ["not writable", unified, []],
    ])("are refused where no cgroup can keep them: %s", (problem, mountinfo, writable) => {
      const host = fakeHost({ mountinfo, self: "0::/a", writable });
      expect(() => planCgroups(input, host)).toThrow(
        new RegExp(`^--device-cgroup-rule .*cgroup controller devices: .*${problem}`),
      );
    });
  });

  test("none, but to be paused: a cgroup below our own, for which nobody moves", () => {
    const input = { resources: limitResources({}, true), containerId: "ID", freeze: true };
    const host = fakeHost({ mountinfo: unified, self: "0::/a.scope", writable: ["/sys/fs/cgroup/a.scope"] });
    expect(text(planCgroups(input, host).hostSteps)).toEqual(["mkdir /sys/fs/cgroup/a.scope/pullrun-ID"]);
  });
});
