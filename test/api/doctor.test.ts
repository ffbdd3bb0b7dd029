import { describe, expect, test } from "vitest";
import { checkMachine, type Check } from "../../src/api/doctor/checks.js";
import type { MachineFacts } from "../../src/api/doctor/facts.js";
import { confined, root, single, subordinate } from "../launch/samples.js";

const everything = ["memory", "cpu", "pids", "cpuset", "io"];

/** A machine on which nothing is missing. */
const good: MachineFacts = {
  uid: 0,
  user: "root",
  kernel: "6.12.0",
  privilege: root,
  settings: { maxNamespaces: "1000", unprivilegedClone: "", apparmorRestricts: "" },
  filesystems: ["ext4", "overlay", "erofs"],
  hierarchies: [{ version: 2, controllers: everything, own: "/sys/fs/cgroup", writable: true }],
  programs: {
    newuidmap: "/usr/bin/newuidmap",
    newgidmap: "/usr/bin/newgidmap",
    nft: "/usr/sbin/nft",
    ip: "/usr/sbin/ip",
    pasta: "/usr/bin/pasta",
  },
  store: { path: "/var/lib/pullrun", images: 3, free: 10e9 },
};
const user: MachineFacts = { ...good, uid: 1000, user: "ada", privilege: subordinate };

function gaps(facts: MachineFacts): Check[] {
  return checkMachine(facts).filter(({ state }) => state !== "ok");
}

test.each([
  ["root", good],
  ["an ordinary user", user],
])("a machine that has everything for %s has no gap", (_, facts) => {
  expect(gaps(facts)).toEqual([]);
});

describe("the fix for each gap", () => {
  test.each<[string, MachineFacts, Partial<Check>]>([
    [
      "no helper",
      { ...good, helperProblem: "helper: /x: not there", privilege: confined },
      { name: "helper", state: "broken", fix: expect.stringContaining("npm run build") as string },
    ],
    [
      "Debian's switch",
      {
        ...user,
        privilege: confined,
        settings: { ...good.settings, unprivilegedClone: "0" },
      },
      {
        name: "namespaces",
        state: "broken",
        fix: "sudo sysctl -w kernel.unprivileged_userns_clone=1",
      },
    ],
    [
      "no namespaces allowed to anybody",
      { ...user, privilege: confined, settings: { ...good.settings, maxNamespaces: "0" } },
      { name: "namespaces", fix: "sudo sysctl -w user.max_user_namespaces=28633" },
    ],
    [
      "Ubuntu's AppArmor",
      {
        ...user,
        privilege: confined,
        settings: { ...good.settings, apparmorRestricts: "1" },
      },
      {
        name: "namespaces",
        fix: expect.stringContaining("apparmor_restrict_unprivileged_userns=0") as string,
      },
    ],
    [
      "root in an ordinary container, who still has chroot",
      { ...good, privilege: confined },
      { name: "namespaces", state: "gap", fix: expect.stringContaining("--isolation chroot") as string },
    ],
    [
      "no newuidmap",
      { ...user, privilege: single, programs: { pasta: "/usr/bin/pasta" } },
      { name: "subordinate ids", fix: expect.stringContaining("apt-get install uidmap") as string },
    ],
    [
      "no line in /etc/subuid",
      { ...user, privilege: single },
      { name: "subordinate ids", fix: "echo ada:100000:65536 | sudo tee -a /etc/subuid /etc/subgid" },
    ],
    [
      "ranges that newuidmap does not give to who has no name",
      { ...user, user: "1000", privilege: single },
      { name: "subordinate ids", fix: expect.stringContaining("sudo useradd -u 1000 NAME") as string },
    ],
    ["no overlay", { ...good, filesystems: ["erofs"] }, { name: "overlay", fix: "sudo modprobe overlay" }],
    ["no erofs", { ...good, filesystems: ["overlay"] }, { name: "erofs", fix: "sudo modprobe erofs" }],
    [
      "a memory controller that the kernel keeps to itself",
      {
        ...good,
        hierarchies: [{ ...good.hierarchies[0]!, controllers: everything.slice(1) }],
      },
      { name: "cgroups", fix: "start the kernel with cgroup_enable=memory" },
    ],
    [
      "no delegation",
      { ...user, hierarchies: [{ ...good.hierarchies[0]!, writable: false }] },
      { name: "cgroups", fix: expect.stringContaining("Delegate=") as string },
    ],
    [
      "v1, which cannot be delegated",
      { ...user, hierarchies: [{ version: 1, controllers: ["memory"], own: "/x", writable: false }] },
      { name: "cgroups", fix: expect.stringContaining("sudo") as string },
    ],
    [
      "no cgroups at all",
      { ...good, hierarchies: [] },
      { name: "cgroups", observed: "none mounted: no limits" },
    ],
    [
      "no nft",
      { ...good, programs: { ip: "/usr/sbin/ip" } },
      { name: "network", fix: "sudo apt-get install nftables" },
    ],
    [
      "neither pasta nor slirp4netns",
      { ...user, programs: { newuidmap: "/u", newgidmap: "/g" } },
      { name: "network", fix: "sudo apt-get install passt" },
    ],
    [
      "a store that cannot be opened",
      { ...good, store: { ...good.store, problem: "store: /x: version is 9" } },
      { name: "store", state: "broken", fix: expect.stringContaining("--root") as string },
    ],
    [
      "a full disk",
      { ...good, store: { ...good.store, free: 5e8 } },
      { name: "disk space", fix: expect.stringContaining("pullrun prune") as string },
    ],
  ])("%s", (_, facts, expected) => {
    expect(gaps(facts)).toContainEqual(expect.objectContaining(expected));
  });
});

test("only what keeps containers from running makes a machine unusable", () => {
  const gap = { ...user, privilege: single, programs: {}, hierarchies: [], filesystems: [] };
  expect(gaps(gap).map(({ state }) => state)).not.toContain("broken");
});
