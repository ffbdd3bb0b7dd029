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
    peer: ["host root"],
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
    peer: ["host root"],
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
    peer: ["host root"],
    stdout: "500\n",
  },
  {
    name: "--privileged can mount",
    script: "pullrun run --rm --privileged box sh -c 'mount -t tmpfs t /mnt && echo mounted'",
    worlds: roots,
    peer: roots,
    stdout: "mounted\n",
  },
  {
    name: "--privileged finds all of the machine's devices in /dev, with their owners, and can open them",
    script: `find /dev \\( -type b -o -type c \\) ! -path '/dev/pts/*' ! -path /dev/console ! -path /dev/ptmx -exec stat -c '%n %t:%T %a %u:%g' {} + | sort >there
pullrun run --rm --privileged box sh -c "find /dev \\( -type b -o -type c \\) -exec stat -c '%n %t:%T %a %u:%g' {} +" | sort >inside
wc -l <there | grep -c '[0-9][0-9]'; comm -23 there inside; pullrun run --rm --privileged box sh -c ': </dev/loop-control && echo opened'`,
    worlds: roots,
    stdout: "1\nopened\n",
  },
  {
    name: "a device rule lets a node be made and opened, for reading alone if it says so",
    script: `pullrun run --rm --device-cgroup-rule 'c 10:237 r' box sh -c 'mknod /l c 10 237; : </l && echo read; : >/l' 2>err; grep -o 'Operation not permitted' err
pullrun run --rm box sh -c 'mknod /l c 10 237; : </l' 2>err; grep -o 'Permission denied' err
pullrun run --rm --device-cgroup-rule 'c 10:200 rwm' box sh -c 'mknod /l c 10 237; : </l' 2>err; grep -o 'Operation not permitted' err`,
    worlds: roots,
    stdout: "read\nOperation not permitted\nPermission denied\nOperation not permitted\n",
  },
  {
    name: "a device rule holds for nodes in binds, for exec, and after a restart",
    script: `open=': </d/loop-control && echo read; : >/d/loop-control'
pullrun run -d --name rules -v /dev:/d --device-cgroup-rule 'c 10:237 r' box sleep 1000 >/dev/null
pullrun exec rules sh -c "$open" 2>/dev/null; pullrun restart -t 0 rules; pullrun exec rules sh -c "$open" 2>/dev/null; pullrun rm -f rules`,
    worlds: roots,
    stdout: "read\nrules\nread\nrules\n",
  },
  {
    name: "of a device it gets what --device says",
    script:
      "pullrun run --rm --device /dev/loop-control:/l:r box sh -c ': </l && echo read; : >/l' 2>err; grep -o 'Operation not permitted' err; pullrun run --rm --device /dev/loop-control:/l box sh -c ': >/l && echo written'",
    worlds: roots,
    stdout: "read\nOperation not permitted\nwritten\n",
  },
  {
    name: "a user's container gets no devices by a rule",
    script: "pullrun run --rm --device-cgroup-rule 'c 10:237 r' box true",
    worlds: ["host user", "VM user"],
    status: 125,
    stderr: /^pullrun: --device-cgroup-rule: needs root .*\nhint: /,
  },
];
