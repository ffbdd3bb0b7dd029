import type { Case } from "../case.js";

/** What a process can see of what holds it. How devices and the links beside them get there is each runtime's own. */
const look = `
grep -E "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):" /proc/self/status
umask; pwd; hostname; cat /proc/self/cgroup /proc/self/oom_score_adj; env | sort; ls /dev | grep -v core
cut -d " " -f 2 /proc/mounts | grep -vE "^/dev/(full|null|random|tty|urandom|zero)$" | sort
cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max
grep -E "open files|core file" /proc/self/limits
for f in /proc/kcore /proc/keys /proc/sysrq-trigger /proc/sys/kernel/core_pattern; do head -c 1 $f | wc -c; (: >$f) && echo writable; done
for n in pid net ipc uts mnt cgroup; do readlink /proc/1/ns/$n | cut -d: -f1; done`;
const flags =
  "--hostname same -u app -w /tmp -e A=b -m 64m --pids-limit 50 --cpus 0.5 --ulimit nofile=100:200";

export const runtimeCases: readonly Case[] = [
  {
    name: "under runc and crun a container sees what it sees under our own helper",
    script: `run() { pullrun run --rm ${flags} "$@" box sh -c '${look}' 2>/dev/null; }
run >own; run --runtime runc >runc; run --runtime crun >crun; diff own runc && diff own crun && grep -c ^Cap own`,
    worlds: ["VM root"],
    tools: ["runc", "crun"],
    stdout: "5\n",
  },
];
