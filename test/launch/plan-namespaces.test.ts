import { expect, test } from "vitest";
import { cloneFlags, mountFlags } from "../../src/helper/constants.js";
import { formatPlan } from "../../src/helper/plan-text.js";
import type { PlanStep, Step } from "../../src/helper/plan.js";
import type { CgroupPlan } from "../../src/launch/cgroups.js";
import { planNamespaces, type NamespacePlanInput } from "../../src/launch/plan-namespaces.js";
import {
  allCapabilities,
  confined,
  containerId,
  imageConfig,
  root,
  runOptions,
  single,
  spec,
  subordinate,
} from "./samples.js";

const noCgroups: CgroupPlan = {
  hostSteps: [],
  procsFiles: [],
  childSteps: [],
  cleanupSteps: [],
  own: [],
  unified: true,
};

function plan(wanted: Partial<NamespacePlanInput> = {}): readonly PlanStep[] {
  const privilege = wanted.privilege ?? root;
  return planNamespaces({
    spec: spec({ privilege }),
    containerId,
    containerDir: "/store/containers/ID",
    remove: ["/store/containers/ID"],
    lowers: ["/store/rootfs/B", "/store/rootfs/A"],
    privilege,
    own: allCapabilities,
    cgroups: noCgroups,
    interactive: false,
    ...wanted,
  });
}

function find<K extends Step["kind"]>(steps: readonly PlanStep[], kind: K): Extract<PlanStep, { kind: K }>[] {
  return steps.filter((step): step is Extract<PlanStep, { kind: K }> => step.kind === kind);
}

test("is this, step by step, for hello-world as root", () => {
  expect(formatPlan(plan())).toMatchInlineSnapshot(`
    " 1. seal
     2. lock path=/store/containers/ID/lock
     3. record directory=/store/containers/ID
     4. make-dir path=/store/containers/ID/work mode=0700
     5. make-dir path=/store/containers/ID/merged mode=0700
     6. hint text="root may not make namespaces here (an ordinary container?); use --isolation chroot, which is no sandbox"
     7. clone flags=CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET cgroupProcs=[]
     8. hint
     9. unshare flags=CLONE_NEWCGROUP
    10. private-mounts
    11. make-dir path=/store/containers/ID/upper mode=0755
    12. hint text="overlay needs a store on a local filesystem such as ext4, xfs or tmpfs: choose one with --root"
    13. root-overlay at=/store/containers/ID/merged upper=/store/containers/ID/upper work=/store/containers/ID/work lowers=[/store/rootfs/B /store/rootfs/A]
    14. hint
    15. hint text="parts of /proc are hidden where pullrun runs (an ordinary container?); give that container an unmasked /proc (docker --security-opt systempaths=unconfined, podman --security-opt unmask=ALL), or use --isolation chroot"
    16. mount fstype=proc source=proc target=/proc flags=MS_NOSUID|MS_NODEV|MS_NOEXEC
    17. hint
    18. mount fstype=tmpfs source=tmpfs target=/dev flags=MS_NOSUID|MS_NODEV|MS_STRICTATIME data=mode=755,size=65536k
    19. bind source=/dev/null target=/dev/null flags=MS_RDONLY|MS_NOSUID|MS_NOEXEC
    20. bind source=/dev/zero target=/dev/zero flags=MS_RDONLY|MS_NOSUID|MS_NOEXEC
    21. bind source=/dev/full target=/dev/full flags=MS_RDONLY|MS_NOSUID|MS_NOEXEC
    22. bind source=/dev/random target=/dev/random flags=MS_RDONLY|MS_NOSUID|MS_NOEXEC
    23. bind source=/dev/urandom target=/dev/urandom flags=MS_RDONLY|MS_NOSUID|MS_NOEXEC
    24. bind source=/dev/tty target=/dev/tty flags=MS_RDONLY|MS_NOSUID|MS_NOEXEC
    25. symlink text=/proc/self/fd target=/dev/fd
    26. symlink text=/proc/self/fd/0 target=/dev/stdin
    27. symlink text=/proc/self/fd/1 target=/dev/stdout
    28. symlink text=/proc/self/fd/2 target=/dev/stderr
    29. symlink text=pts/ptmx target=/dev/ptmx
    30. symlink text=/proc/kcore target=/dev/core
    31. mount fstype=devpts source=devpts target=/dev/pts flags=MS_NOSUID|MS_NOEXEC data=newinstance,ptmxmode=0666,mode=0620,gid=5
    32. mount fstype=sysfs source=sysfs target=/sys flags=MS_RDONLY|MS_NOSUID|MS_NODEV|MS_NOEXEC
    33. mount fstype=tmpfs source=tmpfs target=/sys/fs/cgroup flags=MS_NOSUID|MS_NODEV|MS_NOEXEC data=mode=755,size=64k
    34. remount target=/sys/fs/cgroup flags=MS_RDONLY|MS_NOSUID|MS_NODEV|MS_NOEXEC
    35. mount fstype=mqueue source=mqueue target=/dev/mqueue flags=MS_NOSUID|MS_NODEV|MS_NOEXEC
    36. mount fstype=tmpfs source=shm target=/dev/shm flags=MS_NOSUID|MS_NODEV|MS_NOEXEC data=mode=1777,size=65536k
    37. hint text="the kernel has no such setting for a container here, or takes no such value: leave it out of --sysctl"
    38. sysctl key=net/ipv4/ping_group_range value="0 2147483647"
    39. sysctl key=net/ipv4/ip_unprivileged_port_start value=0
    40. hint
    41. mask target=/proc/acpi
    42. mask target=/proc/asound
    43. mask target=/proc/interrupts
    44. mask target=/proc/kcore
    45. mask target=/proc/keys
    46. mask target=/proc/latency_stats
    47. mask target=/proc/sched_debug
    48. mask target=/proc/scsi
    49. mask target=/proc/timer_list
    50. mask target=/proc/timer_stats
    51. mask target=/sys/devices/virtual/powercap
    52. mask target=/sys/firmware
    53. readonly target=/proc/bus
    54. readonly target=/proc/fs
    55. readonly target=/proc/irq
    56. readonly target=/proc/sys
    57. readonly target=/proc/sysrq-trigger
    58. remount target=/ flags=MS_NODEV
    59. hostname name=0123456789ab
    60. loopback
    61. session-keyring name=_ses.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    62. stdin-null
    63. pivot
    64. working-dir path=/
    65. umask mask=022
    66. environment entries=[PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOSTNAME=0123456789ab HOME=/]
    67. credentials uid=0 gid=0 bounding=CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_FOWNER|CAP_FSETID|CAP_KILL|CAP_SETGID|CAP_SETUID|CAP_SETPCAP|CAP_NET_BIND_SERVICE|CAP_NET_RAW|CAP_SYS_CHROOT|CAP_MKNOD|CAP_AUDIT_WRITE|CAP_SETFCAP permitted=CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_FOWNER|CAP_FSETID|CAP_KILL|CAP_SETGID|CAP_SETUID|CAP_SETPCAP|CAP_NET_BIND_SERVICE|CAP_NET_RAW|CAP_SYS_CHROOT|CAP_MKNOD|CAP_AUDIT_WRITE|CAP_SETFCAP effective=CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_FOWNER|CAP_FSETID|CAP_KILL|CAP_SETGID|CAP_SETUID|CAP_SETPCAP|CAP_NET_BIND_SERVICE|CAP_NET_RAW|CAP_SYS_CHROOT|CAP_MKNOD|CAP_AUDIT_WRITE|CAP_SETFCAP inheritable=none ambient=none groups=[0]
    68. exec argv=[/hello]
    69. cleanup
    70. remove-tree path=/store/containers/ID
    "
  `);
});

test("is this for hello-world as a user who has one id", () => {
  const rootful = formatPlan(plan()).split("\n");
  const rootless = formatPlan(plan({ privilege: single })).split("\n");
  expect(rootless.filter((line) => !rootful.includes(line)).join("\n")).toMatchInlineSnapshot(`
    " 6. hint text="user namespaces are not allowed here; run with sudo, or have kernel.unprivileged_userns_clone enabled"
     7. clone flags=CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET uidMap="0 12345 1\\n" gidMap="0 12345 1\\n" cgroupProcs=[]
    12. hint text="overlay needs a store on a local filesystem such as ext4, xfs or tmpfs, and rootless Linux 5.11 or later: choose one with --root"
    13. root-overlay at=/store/containers/ID/merged upper=/store/containers/ID/upper work=/store/containers/ID/work options=userxattr lowers=[/store/rootfs/B /store/rootfs/A]
    31. mount fstype=devpts source=devpts target=/dev/pts flags=MS_NOSUID|MS_NOEXEC data=newinstance,ptmxmode=0666,mode=0620
    38. sysctl key=net/ipv4/ip_unprivileged_port_start value=0
    39. hint
    40. mask target=/proc/acpi
    41. mask target=/proc/asound
    42. mask target=/proc/interrupts
    43. mask target=/proc/kcore
    44. mask target=/proc/keys
    45. mask target=/proc/latency_stats
    46. mask target=/proc/sched_debug
    47. mask target=/proc/scsi
    48. mask target=/proc/timer_list
    49. mask target=/proc/timer_stats
    50. mask target=/sys/devices/virtual/powercap
    51. mask target=/sys/firmware
    52. readonly target=/proc/bus
    53. readonly target=/proc/fs
    54. readonly target=/proc/irq
    55. readonly target=/proc/sys
    56. readonly target=/proc/sysrq-trigger
    57. remount target=/ flags=MS_NODEV
    58. hostname name=0123456789ab
    59. loopback
    60. session-keyring name=_ses.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    61. stdin-null
    62. pivot
    63. working-dir path=/
    64. umask mask=022
    65. environment entries=[PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOSTNAME=0123456789ab HOME=/]
    66. credentials uid=0 gid=0 bounding=CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_FOWNER|CAP_FSETID|CAP_KILL|CAP_SETGID|CAP_SETUID|CAP_SETPCAP|CAP_NET_BIND_SERVICE|CAP_NET_RAW|CAP_SYS_CHROOT|CAP_MKNOD|CAP_AUDIT_WRITE|CAP_SETFCAP permitted=CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_FOWNER|CAP_FSETID|CAP_KILL|CAP_SETGID|CAP_SETUID|CAP_SETPCAP|CAP_NET_BIND_SERVICE|CAP_NET_RAW|CAP_SYS_CHROOT|CAP_MKNOD|CAP_AUDIT_WRITE|CAP_SETFCAP effective=CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_FOWNER|CAP_FSETID|CAP_KILL|CAP_SETGID|CAP_SETUID|CAP_SETPCAP|CAP_NET_BIND_SERVICE|CAP_NET_RAW|CAP_SYS_CHROOT|CAP_MKNOD|CAP_AUDIT_WRITE|CAP_SETFCAP inheritable=none ambient=none
    67. exec argv=[/hello]
    68. cleanup
    69. remove-tree path=/store/containers/ID"
  `);
});

test("clones into every namespace, the cgroup one apart", () => {
  const [clone] = find(plan(), "clone");
  const { CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWUSER } = cloneFlags;
  const rootful = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  expect(clone).toEqual({
    kind: "clone",
    flags: rootful,
    uidMap: "",
    gidMap: "",
    newuidmap: "",
    newgidmap: "",
    cgroupProcs: [],
  });
  expect(find(plan({ privilege: single }), "clone")[0]).toMatchObject({
    flags: rootful | CLONE_NEWUSER,
    uidMap: "0 12345 1\n",
    newuidmap: "",
  });
  expect(find(plan({ privilege: subordinate }), "clone")[0]).toMatchObject({
    uidMap: "0 1000 1\n1 100000 65536\n",
    gidMap: "0 1000 1\n1 200000 65536\n",
    newuidmap: "/usr/bin/newuidmap",
    newgidmap: "/usr/bin/newgidmap",
  });
  expect(find(plan(), "unshare")).toEqual([{ kind: "unshare", flags: cloneFlags.CLONE_NEWCGROUP }]);
});

test("stays in the host's network when asked, and brings up no loopback there", () => {
  const host = plan({ spec: spec({ options: runOptions({ network: "host" }) }) });
  expect(find(host, "clone")[0]!.flags & cloneFlags.CLONE_NEWNET).toBe(0);
  expect(find(host, "loopback")).toEqual([]);
  expect(find(plan(), "loopback")).toHaveLength(1);
});

test("stacks an overlay whose attributes fit who mounts it", () => {
  expect(find(plan(), "root-overlay")).toEqual([
    {
      kind: "root-overlay",
      at: "/store/containers/ID/merged",
      upper: "/store/containers/ID/upper",
      work: "/store/containers/ID/work",
      options: "",
      lowers: ["/store/rootfs/B", "/store/rootfs/A"],
    },
  ]);
  expect(find(plan({ privilege: single }), "root-overlay")[0]!.options).toBe("userxattr");
});

test("mounts an image that the overlay lies over in the container's mount namespace only", () => {
  const devices = ["/store/layers/A/tar", "/store/layers/C/tar"];
  const steps = plan({ lowers: [{ image: "/store/rootfs/C.erofs", devices }] });
  const at = "/store/containers/ID/lower-0";
  const mount = { kind: "mount-erofs", image: "/store/rootfs/C.erofs", devices, at };
  expect(find(steps, "make-dir")).toContainEqual({ kind: "make-dir", path: at, mode: 0o700 });
  expect(find(steps, "mount-erofs")).toEqual([mount]);
  expect(find(steps, "root-overlay")[0]!.lowers).toEqual([at]);
  const kinds = steps.map(({ kind }) => kind);
  expect(kinds.indexOf("mount-erofs")).toBeGreaterThan(kinds.indexOf("private-mounts"));
  expect(kinds.indexOf("mount-erofs")).toBeLessThan(kinds.indexOf("root-overlay"));
});

test("lets no device node be opened that the container makes or the image brings", () => {
  const steps = plan();
  const { MS_NODEV, MS_RDONLY, MS_REC } = mountFlags;
  const open = find(steps, "mount").filter(({ flags }) => (flags & MS_NODEV) === 0);
  expect(open.map(({ target }) => target)).toEqual(["/dev/pts"]);
  expect(find(steps, "remount").find(({ target }) => target === "/")).toMatchObject({ flags: MS_NODEV });
  const nodes = find(steps, "bind").filter(({ target }) => target.startsWith("/dev/"));
  expect(nodes.map(({ target }) => target)).toEqual([
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
  ]);
  expect(
    nodes.every(
      ({ flags, source, target }) => (flags & (MS_RDONLY | MS_REC)) === MS_RDONLY && source === target,
    ),
  ).toBe(true);
});

test("makes a read-only root only after everything is in place", () => {
  const steps = plan({ spec: spec({ options: runOptions({ readOnly: true, workdir: "/new" }) }) });
  const at = (kind: string, target: string): number =>
    steps.findIndex((step) => step.kind === kind && "target" in step && step.target === target);
  expect(steps[at("remount", "/")]).toMatchObject({ flags: mountFlags.MS_RDONLY | mountFlags.MS_NODEV });
  expect(at("mkdir", "/new")).toBeLessThan(at("remount", "/"));
  expect(Math.max(...steps.map((step, i) => (step.kind === "mount" ? i : 0)))).toBeLessThan(
    at("remount", "/"),
  );
});

test.each([
  ["root", "", 0xa80425fbn, [0]],
  ["another user", "1000:1000", 0n, [1000]],
] as const)("drops to docker's privileges for %s", (_, user, permitted, groups) => {
  const steps = plan({ spec: spec({ image: imageConfig({ user }) }) });
  expect(find(steps, "credentials")).toEqual([
    {
      kind: "credentials",
      uid: groups[0],
      gid: groups[0],
      groups,
      bounding: 0xa80425fbn,
      permitted,
      effective: permitted,
      inheritable: 0n,
      ambient: 0n,
    },
  ]);
});

test("asks for no capability we lack, but for all in a user namespace, which starts with all", () => {
  const own = { permitted: 0x3n, bounding: 0x3n };
  expect(find(plan({ own }), "credentials")[0]).toMatchObject({
    permitted: 0x3n,
    groups: undefined,
    bounding: 0x3n,
  });
  expect(find(plan({ own, privilege: subordinate }), "credentials")[0]).toMatchObject({
    permitted: 0xa80425fbn,
  });
});

test("leaves supplementary groups alone where setgroups is denied", () => {
  expect(find(plan({ privilege: single }), "credentials")[0]!.groups).toBeUndefined();
});

test("gives stdin only to interactive containers", () => {
  expect(find(plan(), "stdin-null")).toHaveLength(1);
  expect(find(plan({ interactive: true }), "stdin-null")).toEqual([]);
});

const ro = mountFlags.MS_RDONLY;
test.each([
  ["v2", { ...noCgroups, own: [{ version: 2, controllers: [] }] }, ["mount cgroup2 /sys/fs/cgroup ro"]],
  ["none", noCgroups, ["mount tmpfs /sys/fs/cgroup", "remount /sys/fs/cgroup ro"]],
  [
    "v1 and hybrid",
    {
      ...noCgroups,
      unified: false,
      own: [
        { version: 1, controllers: ["cpu", "cpuacct"] },
        { version: 1, controllers: ["memory"] },
        { version: 2, controllers: [] },
      ],
    },
    [
      "mount tmpfs /sys/fs/cgroup",
      "mount cgroup /sys/fs/cgroup/cpu,cpuacct cpu,cpuacct ro",
      "symlink /sys/fs/cgroup/cpu -> cpu,cpuacct",
      "symlink /sys/fs/cgroup/cpuacct -> cpu,cpuacct",
      "mount cgroup /sys/fs/cgroup/memory memory ro",
      "mount cgroup2 /sys/fs/cgroup/unified ro",
      "remount /sys/fs/cgroup ro",
    ],
  ],
] as const)("shows the container its own cgroups only: %s", (_, cgroups, expected) => {
  const lines = plan({ cgroups }).flatMap((step) => {
    if (!("target" in step) || !step.target.startsWith("/sys/fs/cgroup")) return [];
    if (step.kind === "symlink") return [`symlink ${step.target} -> ${step.text}`];
    if (step.kind !== "mount" && step.kind !== "remount") return [];
    const data = step.kind === "mount" && step.fstype === "cgroup" ? step.data : "";
    const words = [
      step.kind,
      step.kind === "mount" ? step.fstype : "",
      step.target,
      data,
      (step.flags & ro) === 0 ? "" : "ro",
    ];
    return [words.filter((word) => word !== "").join(" ")];
  });
  expect(lines).toEqual(expected);
});

test("enters the cgroups at the clone and removes them before the container's files", () => {
  const cgroups: CgroupPlan = {
    ...noCgroups,
    hostSteps: [{ kind: "make-dir", path: "/cg/pullrun/ID", mode: 0o755 }],
    procsFiles: ["/cg/pullrun/ID/cgroup.procs"],
    cleanupSteps: [{ kind: "remove-cgroup", path: "/cg/pullrun/ID" }],
  };
  const steps = plan({ cgroups });
  expect(steps[1]).toEqual(cgroups.hostSteps[0]);
  expect(find(steps, "clone")[0]!.cgroupProcs).toEqual(cgroups.procsFiles);
  expect(steps.slice(-3)).toEqual([
    { kind: "cleanup" },
    { kind: "remove-cgroup", path: "/cg/pullrun/ID" },
    { kind: "remove-tree", path: "/store/containers/ID" },
  ]);
});

test("puts a hint before each step that other machines forbid, and takes it back after", () => {
  const steps = plan({ privilege: single });
  for (const kind of ["clone", "root-overlay"] as const) {
    const at = steps.findIndex((step) => step.kind === kind);
    expect(steps[at - 1]).toMatchObject({ kind: "hint", text: expect.stringMatching(/.{20}/) as string });
    expect(steps[at + 1]).toEqual({ kind: "hint", text: "" });
  }
  const proc = steps.findIndex((step) => step.kind === "mount" && step.fstype === "proc");
  expect(steps[proc - 1]).toMatchObject({
    kind: "hint",
    text: expect.stringContaining("systempaths=unconfined") as string,
  });
});

test("refuses to plan where there are no namespaces, with the reason and the way out", () => {
  expect(() => plan({ privilege: confined })).toThrow(
    expect.objectContaining({
      code: "NO_NAMESPACES",
      message: "namespaces: not available here: unshare: EPERM",
      hint: expect.stringContaining("--isolation chroot") as string,
    }),
  );
});
