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
  {
    name: "a user's limits hold under runc and crun, which show them to the container, and the end by memory is on record",
    script: `for runtime in runc crun; do
pullrun run --rm --runtime $runtime -m 64m --pids-limit 20 --cpus 0.5 box sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
pullrun run --name $runtime --runtime $runtime -m 20m box dd if=/dev/zero of=/dev/null bs=60M count=1; echo $?
pullrun inspect --format '{{.State.OOMKilled}}' $runtime; pullrun rm $runtime
done`,
    worlds: ["VM user"],
    tools: ["runc", "crun"],
    stdout: /^(67108864\n20\n50000 100000\n137\ntrue\n(runc|crun)\n){2}$/,
  },
  {
    name: "a user's container with limits under runc and crun can be entered, measured and frozen, and its cgroup goes with it",
    script: `for runtime in runc crun; do
pullrun run -d --name live-$runtime --runtime $runtime -m 64m --pids-limit 30 box sleep 1000 >id
pullrun exec live-$runtime cat /proc/self/cgroup /sys/fs/cgroup/memory.max
pullrun exec live-$runtime sh -c 'for i in $(seq 40); do sleep 1 & done' 2>&1 | grep -c "can't fork"
pullrun stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' live-$runtime | grep -oE '/ *(64|67\\.1)[^ ]*B'
pullrun pause live-$runtime && pullrun ps --format '{{.Status}}' | grep -o Paused; pullrun rm -f live-$runtime
find /sys/fs/cgroup -name "*$(cat id)*"
done`,
    worlds: ["VM user"],
    tools: ["runc", "crun"],
    stdout:
      /^(0::\/\n67108864\n[1-9]\d*\n\/ *(64|67\.1)\S*B\nlive-(runc|crun)\nPaused\nlive-(runc|crun)\n){2}$/,
  },
];
