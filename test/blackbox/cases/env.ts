import { everywhere, hosts, type Case } from "../case.js";

export const envCases: readonly Case[] = [
  {
    name: "the defaults are PATH, HOSTNAME and HOME",
    script: "pullrun run --rm --hostname there box env | sort",
    worlds: hosts,
    stdout: "HOME=/root\nHOSTNAME=there\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
  },
  {
    name: "the last of two values wins, an empty one is there, -e NAME copies",
    script:
      "A=here B= pullrun run --rm -e X=1 -e X=2 -e EMPTY= -e A -e B -e UNSET box sh -c 'echo $X,${EMPTY-no},$A,${B-no},${UNSET-no}'",
    worlds: hosts,
    peer: ["host root"],
    stdout: "2,,here,,no\n",
  },
  {
    name: "a file of variables has comments, spaces kept, and may lack its last newline",
    script:
      "printf '# comment\\nA=1\\nB= spaced \\nC=\"quoted\"\\nD=last' >f; pullrun run --rm --env-file f box sh -c 'echo \"$A|$B|$C|$D\"'",
    worlds: hosts,
    peer: ["host root"],
    stdout: '1| spaced |"quoted"|last\n',
  },
  {
    name: "a byte order mark in such a file belongs to no name",
    script: "printf '\\357\\273\\277A=1\\n' >f; pullrun run --rm --env-file f box sh -c 'echo $A'",
    worlds: hosts,
    stdout: "1\n",
  },
  {
    name: "-t sets TERM",
    script: "script -qec 'pullrun run --rm -t box printenv TERM' /dev/null </dev/null | tr -d '\\r'",
    worlds: hosts,
    tools: ["script"],
    stdout: "xterm\n",
  },
  {
    name: "a working directory that is missing is made, mode 0755",
    script: "pullrun run --rm -w /new/one box sh -c 'pwd; stat -c %a .'",
    worlds: everywhere,
    stdout: "/new/one\n755\n",
  },
  {
    name: "a working directory that is a link is followed",
    script: "pullrun run --rm -w /link box sh -c 'pwd -P'",
    worlds: hosts,
    peer: ["host root"],
    stdout: "/var\n",
  },
  {
    name: "a working directory that is relative is refused",
    script: "pullrun run --rm -w rel box true; test $? = 125",
    worlds: hosts,
    stderr: /rel/,
  },
];
