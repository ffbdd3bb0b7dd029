import { guests, limited, roots, type Case } from "../case.js";

/** One read of 60 MB into memory that was never touched. */
const takeMemory = "dd if=/dev/zero of=/dev/null bs=60M count=1";

export const cgroupCases: readonly Case[] = [
  {
    name: "memory beyond the limit ends the command with 137, and OOMKilled is on record",
    script: `pullrun run --name oom -m 20m box ${takeMemory}; echo $?; pullrun inspect --format '{{.State.OOMKilled}}' oom; pullrun rm oom`,
    worlds: limited,
    stdout: "137\ntrue\noom\n",
  },
  {
    name: "the limits are in the container's own cgroup, and its namespace shows no other",
    script:
      "pullrun run --rm -m 64m --pids-limit 50 --cpus 0.5 box sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max /proc/self/cgroup'",
    worlds: guests,
    peer: ["VM root"],
    stdout: "67108864\n50\n50000 100000\n0::/\n",
  },
  {
    name: "every limit of cgroup v2 is what it says",
    script: `pullrun run --rm -m 64m --memory-swap 96m --memory-reservation 32m --pids-limit 50 --cpu-quota 25000 --cpu-period 50000 --cpuset-cpus 0 --cpuset-mems 0 box sh -c '
cd /sys/fs/cgroup; cat memory.max memory.swap.max memory.low pids.max cpu.max cpuset.cpus cpuset.cpus.effective cpuset.mems'`,
    worlds: guests,
    peer: ["VM root"],
    stdout: "67108864\n33554432\n33554432\n50\n25000 50000\n0\n0\n0\n",
  },
  {
    name: "a fork bomb stops at the limit on processes",
    script:
      "pullrun run --rm --pids-limit 8 box sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait' 2>&1 | grep -c \"can't fork\"",
    worlds: limited,
    peer: roots,
    stdout: /^[1-9]/,
  },
  {
    name: "half a processor throttles a loop",
    script:
      'pullrun run --rm --cpus 0.2 box sh -c \'timeout 2 sh -c "while :; do :; done"; grep -q "^nr_throttled [1-9]" /sys/fs/cgroup/cpu.stat && echo throttled\'',
    worlds: guests,
    peer: ["VM root"],
    stdout: "throttled\n",
  },
  {
    name: "a container with limits can be entered, measured, frozen, read and stopped",
    script: `pullrun run -d --name full -m 64m --pids-limit 50 box sh -c 'echo hello; sleep 1000' >id
pullrun exec full sh -c 'cat /proc/self/cgroup /sys/fs/cgroup/memory.max'
pullrun stats --no-stream full | tail -n 1 | grep -oE '(/ *(64|67\\.1)[^ ]*B)'
pullrun pause full && pullrun ps --format '{{.Status}}' | grep -o Paused; cat /sys/fs/cgroup$(find /sys/fs/cgroup -name "*$(cat id)" | head -n 1 | cut -c15-)/cgroup.freeze; pullrun unpause full
pullrun logs full; pullrun stop -t 0 full; pullrun rm full`,
    worlds: guests,
    stdout: /^0::\/\n67108864\n\/ *(64|67\.1)\S*B\nfull\nPaused\n1\nfull\nhello\nfull\nfull\n$/,
  },
  {
    name: "its cgroup is gone when it has ended",
    script: 'pullrun run --cidfile id --rm -m 64m box true; find /sys/fs/cgroup -name "*$(cat id)*"',
    worlds: limited,
    peer: ["VM root"],
    stdout: "",
  },
  {
    name: "the first container in a delegated cgroup may be one in the background: all that is there makes room",
    script: `d=$(mktemp -d); g=/sys/fs/cgroup/$(basename $d); mkdir $g; chown 12345 $d $g $g/cgroup.procs $g/cgroup.subtree_control
cat >$d/script <<END
cd $d; export PULLRUN_ROOT=$d/store; sleep 1000 & pullrun run -q -d --name first -m 64m oci:$LAYOUT:box:latest sleep 1000 >id
status=\\$?; pullrun rm -f first; kill \\$!; exit \\$status
END
sh -c "echo \\$\\$ >$g/cgroup.procs; exec setpriv --reuid=12345 --regid=12345 --clear-groups env HOME=$d sh $d/script"
status=$?; rmdir $g/pullrun-supervisor $g; rm -r $d; exit $status`,
    worlds: ["VM root"],
    stdout: "first\n",
  },
  {
    name: "a limit in a cgroup nobody delegated is an error that names the controller",
    script: `d=$(mktemp -d); chown 12345 $d; cd $d
setpriv --reuid=12345 --regid=12345 --clear-groups env HOME=$d pullrun --root $d/store run -q --rm -m 64m oci:$LAYOUT:box:latest true
status=$?; rm -r $d; exit $status`,
    worlds: ["VM root"],
    status: 125,
    stderr: /--memory: cgroup controller memory: .*\nhint: /,
  },
  {
    name: "the CPUs and the share of disk time it was given are in force",
    script: `pullrun run --rm --cpuset-cpus 1 --blkio-weight 300 box sh -c 'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status; nproc
cd /sys/fs/cgroup; cat cpuset.cpus.effective io.weight; cat io.bfq.weight 2>/dev/null; true'`,
    worlds: guests,
    // 300 of 1000 is 2930 of 10000; BFQ has docker's scale.
    stdout: /^1\n1\n1\ndefault (2930|100\ndefault 300)\n/,
  },
  {
    name: "the CPUs and the share of disk time it was given are in force on cgroup v1",
    script: `pullrun run --rm --cpuset-cpus 1 --blkio-weight 300 box sh -c 'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status
cd /sys/fs/cgroup; cat cpuset/cpuset.cpus blkio/blkio.*weight'`,
    worlds: ["host root"],
    stdout: "1\n1\n300\n",
  },
  {
    name: "CPUs there are not are an error that names them",
    script: "pullrun run --rm --cpuset-cpus 4095 box true",
    worlds: limited,
    status: 125,
    stderr: /^pullrun: --cpuset-cpus: 4095: 4095 is not here \(expected of /,
  },
];
