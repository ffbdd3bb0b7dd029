import { everywhere, hosts, roots, type Case } from "../case.js";

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
    peer: roots,
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
    peer: ["host root"],
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
    peer: ["host root"],
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
    peer: ["host root"],
    stdout: "77\n1000\n2000\n",
  },
  {
    name: "the last user of a passwd of 10000 lines with CRLF ends is found",
    script: "pullrun run --rm -u u9999 crowd id -u; pullrun run --rm -u 29999 crowd id -g",
    worlds: hosts,
    stdout: "29999\n9\n",
  },
  {
    name: "a passwd that is a link is read inside the image",
    script: "pullrun run --rm -u linus linked id -u",
    worlds: hosts,
    peer: ["host root"],
    stdout: "1234\n",
  },
  {
    name: "a passwd that is a FIFO is no passwd: numbers do, names are refused, nobody waits",
    script:
      "pullrun run --rm -u 7 pipe sh -c 'grep -o \"^Uid:.7\" /proc/self/status'; pullrun run --rm -u app pipe true; test $? -ge 125",
    worlds: hosts,
    stdout: "Uid:\t7\n",
    stderr: /app/,
  },
  {
    name: "without a passwd numbers do, and names are refused",
    script:
      "pullrun run --rm -u 7:8 bare sh -c 'id -u; id -g'; pullrun run --rm -u app bare true; test $? -ge 125",
    worlds: hosts,
    peer: ["host root"],
    stdout: "7\n8\n",
    stderr: /app/,
  },
  {
    name: "with --userns keep-id it is who we are, and the image's files are root's and its users'",
    script: `pullrun run --rm --userns keep-id box sh -c 'id -u; stat -c %u / /bin/busybox /etc /dev /home/app; touch /x || touch /home/app/x || echo refused' 2>/dev/null | sed "s/^$(id -u)$/ours/"`,
    worlds: ["host user", "VM user"],
    stdout: "ours\n0\n0\n0\n0\n1000\nrefused\n",
  },
  {
    name: "with --userns keep-id what it writes to a bind is ours, and ours is its",
    script: `mkdir d; echo before >d/mine; pullrun run --rm --userns keep-id -v "$PWD/d:/d" box sh -c 'cat /d/mine; echo after >/d/its'; stat -c %u d/its | sed "s/^$(id -u)$/ours/"
pullrun run --rm --userns keep-id -u 0 -v "$PWD/d:/d" box sh -c 'touch /root/x; id -u; stat -c %u /d/mine' | sed "s/^$(id -u)$/ours/"; rm -r d`,
    worlds: ["host user", "VM user"],
    stdout: "before\nours\n0\nours\n",
  },
  {
    name: "a container with --userns keep-id can be entered, copied to while it runs and when not, started again and removed",
    script: `pullrun run -d --name kept --userns keep-id box sleep 1000 >/dev/null; echo text >f
own() { sed "s/^$(id -u)$/ours/"; }
pullrun exec kept id -u | own; pullrun exec -u 0 kept sh -c 'echo by root >/root/file; id -u'
pullrun cp f kept:/one; pullrun stop -t 0 kept; pullrun cp f kept:/two; pullrun cp kept:/root/file back; cat back; pullrun start kept
pullrun exec kept stat -c %u /one /two /root; pullrun inspect --format '{{.HostConfig.UsernsMode}}' kept; pullrun rm -f kept`,
    worlds: ["host user", "VM user"],
    stdout: "ours\n0\nkept\nby root\nkept\n0\n0\n0\nkeep-id\nkept\n",
  },
  {
    name: "--userns that makes no sense is one error",
    script: "pullrun run --rm --userns keep-id box true",
    worlds: ["host root"],
    status: 125,
    stderr: /^pullrun: --userns keep-id: we are root .*\nhint: .*\n$/,
  },
  {
    name: "--userns host and '' are what there is without it",
    script:
      "for m in host ''; do pullrun run --rm --userns \"$m\" box cat /proc/self/uid_map | tr '\\n' ';'; echo; done | uniq | wc -l",
    worlds: ["host root", "host user"],
    stdout: "1\n",
  },
];
