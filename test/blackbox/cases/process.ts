import { everywhere, hosts, roots, type Case } from "../case.js";

export const processCases: readonly Case[] = [
  {
    name: "the command is process 1",
    script: "pullrun run --rm box sh -c 'echo $$; cat /proc/1/comm; :'",
    worlds: hosts,
    peer: ["host root"],
    stdout: "1\nsh\n",
  },
  {
    name: "--init is process 1, reaps what is orphaned and hands on the exit status",
    script:
      'pullrun run --rm --init box sh -c \'test $$ != 1; sh -c "sh -c : & exec true"; sleep 0.3; ! grep -l "^State:.Z" /proc/[0-9]*/status; exit 3\'',
    worlds: everywhere,
    status: 3,
    stdout: "",
  },
  {
    name: "--init shows the container no path of the host",
    script: "pullrun run --rm --init box cat /proc/1/cmdline | tr '\\0' ' '",
    worlds: hosts,
    stdout: /^pullrun-init *$/,
  },
  {
    name: "SIGTERM to the command reaches the container",
    script: `pullrun run --rm box sh -c 'trap "echo got it; exit 9" TERM; echo up; while :; do sleep 0.1; done' >out & p=$!
until grep -q up out; do sleep 0.1; done; kill -TERM $p; wait $p; echo $?; cat out`,
    worlds: everywhere,
    peer: roots,
    stdout: "9\nup\ngot it\n",
  },
  {
    name: "SIGSTOP of the command does not stop the container",
    script: `pullrun run --rm -v "$PWD:/w" box sh -c 'echo up; until test -e /w/go; do sleep 0.1; done; touch /w/went' >out & p=$!
until grep -q up out; do sleep 0.1; done; kill -STOP $p; touch go; until test -e went; do sleep 0.1; done; kill -CONT $p; wait $p; echo $?; cat out`,
    worlds: hosts,
    stdout: "0\nup\n",
  },
  {
    name: "a container ends with its first process, whatever else runs in it",
    script: "pullrun run --rm box sh -c 'sleep 1000 & echo started'",
    worlds: hosts,
    stdout: "started\n",
  },
];
