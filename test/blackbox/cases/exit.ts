import { everywhere, hosts, roots, type Case } from "../case.js";

export const exitCases: readonly Case[] = [
  {
    name: "the exit status of the command is ours",
    script: 'for n in 0 1 42 255; do pullrun run --rm box sh -c "exit $n"; echo $?; done',
    worlds: hosts,
    peer: ["host root"],
    stdout: "0\n1\n42\n255\n",
  },
  {
    name: "--rm keeps the exit status",
    script: "pullrun run --rm box sh -c 'exit 42'",
    worlds: everywhere,
    peer: roots,
    status: 42,
    stdout: "",
  },
  {
    name: "a container that kill ends gives 137 to whoever waits",
    script: `pullrun run -d --name victim box sleep 1000 >/dev/null; pullrun kill victim; pullrun wait victim; pullrun rm victim
pullrun run --rm --name front box sleep 1000 & until pullrun kill front 2>/dev/null; do sleep 0.1; done; wait $!; echo $?`,
    worlds: hosts,
    peer: ["host root"],
    stdout: "victim\n137\nvictim\nfront\n137\n",
  },
  {
    name: "a command that SIGTERM or SIGKILL ends gives 143 and 137 through an init",
    script: "for s in TERM KILL; do pullrun run --rm --init box sh -c 'kill -'$s' $$'; echo $?; done",
    worlds: hosts,
    stdout: "143\n137\n",
  },
  {
    name: "a command that is not there gives 127",
    script: "pullrun run --rm box no-such-command",
    worlds: hosts,
    peer: ["host root"],
    status: 127,
    stderr: /no-such-command/,
  },
  {
    name: "a directory as the command gives 126",
    script: "pullrun run --rm box /etc",
    worlds: hosts,
    peer: ["host root"],
    status: 126,
  },
  {
    name: "a file without the right to execute as the command gives 126",
    script: "pullrun run --rm box /etc/passwd",
    worlds: hosts,
    peer: ["host root"],
    status: 126,
    stderr: /\/etc\/passwd/,
  },
  {
    name: "a script whose interpreter is missing gives 127",
    script: "pullrun run --rm box /bin/no-interpreter",
    worlds: hosts,
    status: 127,
    stderr: /no-interpreter/,
  },
  {
    name: "a flag that does not exist gives 125",
    script: "pullrun run --no-such-flag box true",
    worlds: hosts,
    peer: ["host root"],
    status: 125,
    stdout: "",
    stderr: /no-such-flag/,
  },
  {
    name: "a working directory that is a file gives 125 to 127 and says which",
    script: "pullrun run --rm -w /etc/passwd box true; test $? -ge 125",
    worlds: hosts,
    stderr: /\/etc\/passwd/,
  },
];
