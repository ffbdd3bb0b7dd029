import { everywhere, hosts, type Case } from "../case.js";

const id = (user: string): string => `pullrun run --rm -u ${user} box sh -c 'id -u; id -g; id -G'`;

export const userCases: readonly Case[] = [
  {
    name: "root is the user",
    script: "pullrun run --rm box id -u",
    worlds: hosts,
    stdout: "0\n",
  },
  {
    name: "a name has its ids and further groups",
    script: id("app"),
    worlds: everywhere,
    stdout: "1000\n1000\n1000 2000\n",
  },
  {
    name: "a number of the image's has its groups too",
    script: id("1000"),
    worlds: hosts,
    stdout: "1000\n1000\n1000 2000\n",
  },
  {
    name: "uid:gid are these and no further group",
    script: id("1000:5"),
    worlds: hosts,
    stdout: "1000\n5\n5\n",
  },
  {
    name: "name:group by names",
    script: id("app:wheel"),
    worlds: hosts,
    stdout: "1000\n2000\n2000\n",
  },
  {
    name: "a uid nobody has is in group 0 and at home in /",
    script: "pullrun run --rm -u 4321 box sh -c 'id -u; id -g; echo $HOME'",
    worlds: hosts,
    stdout: "4321\n0\n/\n",
  },
  {
    name: "a name that the image does not have is refused with 125 to 127",
    script: "pullrun run --rm -u nobody-there box true; test $? -ge 125",
    worlds: hosts,
    stderr: /nobody-there/,
  },
  {
    name: "a negative uid is refused",
    script: "pullrun run --rm -u -5 box id; test $? -ge 125",
    worlds: hosts,
    stdout: "",
  },
  {
    name: "a uid past 32 bits is refused",
    script: "pullrun run --rm -u 4294967296 box id; test $? -ge 125",
    worlds: hosts,
    stdout: "",
  },
  {
    name: "--group-add adds a group",
    script: "pullrun run --rm -u app --group-add 77 box id -G | tr ' ' '\\n' | sort -n",
    worlds: hosts,
    stdout: "77\n1000\n2000\n",
  },
  {
    name: "a passwd of 10000 lines with CRLF ends still has the last one's user",
    script: `{ seq -f 'u%.0f:x:%.0f:9::/:/bin/sh' 1 1; seq 2 10000 | sed 's/.*/u&:x:2&:9::\\/h&:\\/bin\\/sh\\r/'; } >p
pullrun run --rm -v "$PWD/p:/etc/passwd" -u 4000 box id -g`,
    worlds: hosts,
    stdout: "0\n",
  },
];
