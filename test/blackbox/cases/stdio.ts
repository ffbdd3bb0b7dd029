import { everywhere, hosts, roots, type Case } from "../case.js";

export const stdioCases: readonly Case[] = [
  {
    name: "20 MB on stdout arrive whole through a pipe",
    script: "pullrun run --rm box sh -c 'head -c 20000000 /dev/zero | tr \"\\0\" x' | md5sum",
    worlds: hosts,
    peer: ["host root"],
    stdout: "d52626322ee0b934ba699935cac991b2  -\n",
  },
  {
    name: "a slow reader loses nothing",
    script:
      "pullrun run --rm box seq 1 60000 | { sleep 1; while read -r a && read -r b; do last=$b; done; echo $last; }",
    worlds: hosts,
    stdout: "60000\n",
  },
  {
    name: "stderr stays apart from stdout",
    script: "pullrun run --rm box sh -c 'echo out; echo err >&2' 2>err; echo -; cat err",
    worlds: hosts,
    peer: ["host root"],
    stdout: "out\n-\nerr\n",
  },
  {
    name: "a reader that goes away ends the writer",
    script: "pullrun run --rm box yes | head -n 1",
    worlds: hosts,
    stdout: "y\n",
  },
  {
    name: "the end of stdin ends cat",
    script: "echo in | pullrun run --rm -i box cat",
    worlds: everywhere,
    peer: roots,
    stdout: "in\n",
  },
  {
    name: "without -i there is nothing on stdin",
    script: "echo in | pullrun run --rm box cat",
    worlds: hosts,
    peer: ["host root"],
    stdout: "",
  },
  {
    name: "bytes that are no text go through unchanged",
    script: "head -c 100000 /dev/urandom >f; pullrun run --rm -i box cat <f | cmp - f && echo same",
    worlds: hosts,
    stdout: "same\n",
  },
  {
    name: "no descriptor of ours but 0 to 2 is in the container",
    script:
      "exec 7</etc/passwd 9>f; pullrun run --rm box sh -c 'ls /proc/self/fd | head -n 3; test ! -e /proc/$$/fd/7'",
    worlds: hosts,
    peer: ["host root"],
    stdout: "0\n1\n2\n",
  },
];
