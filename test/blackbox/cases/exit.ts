import { everywhere, hosts, type Case } from "../case.js";

export const exitCases: readonly Case[] = [
  {
    name: "the exit status of the command is ours",
    script: 'for n in 0 1 42 255; do pullrun run --rm box sh -c "exit $n"; echo $?; done',
    worlds: hosts,
    stdout: "0\n1\n42\n255\n",
  },
  {
    name: "--rm keeps the exit status",
    script: "pullrun run --rm box sh -c 'exit 42'",
    worlds: everywhere,
    status: 42,
    stdout: "",
  },
  {
    name: "a command that SIGKILL ends gives 137",
    script: "pullrun run --rm box sh -c 'sh -c \"kill -9 \\$\\$\"; exit $?'",
    worlds: hosts,
    status: 137,
  },
  {
    name: "a command that SIGTERM ends gives 143",
    script: "pullrun run --rm box sh -c 'sh -c \"kill -15 \\$\\$\"; exit $?'",
    worlds: hosts,
    status: 143,
  },
  {
    name: "a command that is not there gives 127",
    script: "pullrun run --rm box no-such-command",
    worlds: hosts,
    status: 127,
    stderr: /no-such-command/,
  },
  {
    name: "a directory as the command gives 126",
    script: "pullrun run --rm box /etc",
    worlds: hosts,
    status: 126,
  },
  {
    name: "a file without the right to execute as the command gives 126",
    script: "pullrun run --rm box /etc/passwd",
    worlds: hosts,
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
