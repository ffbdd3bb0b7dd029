import { everywhere, hosts, roots, type Case } from "../case.js";

export const isolationCases: readonly Case[] = [
  {
    name: "its namespaces are its own",
    script:
      "for n in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done >ours; pullrun run --rm box sh -c 'for n in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done' | grep -cxFf ours",
    worlds: everywhere,
    status: 1,
    stdout: "0\n",
  },
  {
    name: "capabilities are docker's 14",
    script: "pullrun run --rm box grep -E '^Cap(Prm|Eff|Bnd|Inh|Amb)' /proc/self/status | tr -d '\\t'",
    worlds: everywhere,
    stdout:
      "CapInh:0000000000000000\nCapPrm:00000000a80425fb\nCapEff:00000000a80425fb\nCapBnd:00000000a80425fb\nCapAmb:0000000000000000\n",
  },
  {
    name: "system calls are filtered, privileges not forbidden, and with the option they are",
    script:
      "pullrun run --rm box sed -n 's/^NoNewPrivs:.//p; s/^Seccomp:.//p' /proc/self/status; pullrun run --rm --security-opt no-new-privileges box sed -n 's/^NoNewPrivs:.//p' /proc/self/status",
    worlds: hosts,
    stdout: "0\n2\n1\n",
  },
  {
    name: "mount, unshare and a user namespace are refused",
    script:
      "pullrun run --rm box sh -c 'mount -t tmpfs t /mnt || unshare -m true || unshare -U true || echo refused' 2>/dev/null",
    worlds: everywhere,
    stdout: "refused\n",
  },
  {
    name: "a block device cannot be made and used",
    script:
      "pullrun run --rm --tmpfs /t box sh -c 'mknod /t/sda b 8 0 && head -c 1 /t/sda || echo refused' 2>/dev/null",
    worlds: hosts,
    stdout: "refused\n",
  },
  {
    name: "on cgroup v2 a device node that can be made cannot be opened",
    script: "pullrun run --rm box sh -c 'mknod /root/d b 254 0 && head -c 1 /root/d | wc -c' 2>err; cat err",
    worlds: ["VM root"],
    stdout: /^0\n.*(Operation not permitted|Permission denied)/,
  },
  {
    name: "umask is 0022",
    script: "pullrun run --rm box sh -c umask",
    worlds: hosts,
    stdout: "0022\n",
  },
  {
    name: "the host's name stays what it is",
    script:
      'a=$(uname -n); pullrun run --rm --hostname other --cap-add SYS_ADMIN box sh -c \'hostname third; hostname\'; test "$a" = "$(uname -n)"',
    worlds: hosts,
    stdout: "third\n",
  },
  {
    name: "with no network there is only lo",
    script: "pullrun run --rm --network none box ls /sys/class/net",
    worlds: hosts,
    stdout: "lo\n",
  },
  {
    name: "limits of its processes are those asked for",
    script: "pullrun run --rm --ulimit nofile=100:200 box sh -c 'ulimit -n; ulimit -Hn'",
    worlds: hosts,
    stdout: "100\n200\n",
  },
  {
    name: "its OOM score is the one asked for",
    script: "pullrun run --rm --oom-score-adj 500 box cat /proc/self/oom_score_adj",
    worlds: hosts,
    stdout: "500\n",
  },
  {
    name: "--privileged can mount",
    script: "pullrun run --rm --privileged box sh -c 'mount -t tmpfs t /mnt && echo mounted'",
    worlds: roots,
    stdout: "mounted\n",
  },
];
