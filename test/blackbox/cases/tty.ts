import { everywhere, hosts, type Case } from "../case.js";

/**
 * `script` gives each a terminal of its own. Not compared with podman: 4.3 loses the output of a terminal now and then, and
 * starts the program before it has passed the size on.
 */
export const ttyCases: readonly Case[] = [
  {
    name: "with -t all of 0 to 2 are terminals and lines end in CRLF",
    script:
      "script -qec \"pullrun run --rm -it box sh -c 'test -t 0 && test -t 1 && test -t 2 && tty'\" /dev/null </dev/null | od -c | head -n 1",
    worlds: everywhere,
    tools: ["script"],
    stdout: "0000000   /   d   e   v   /   p   t   s   /   0  \\r  \\n\n",
  },
  {
    name: "the size of the terminal is the outer one's",
    script:
      "script -qec \"stty rows 33 cols 77; pullrun run --rm -it box stty size\" /dev/null </dev/null | tr -d '\\r'",
    worlds: hosts,
    tools: ["script"],
    stdout: "33 77\n",
  },
  {
    name: "/dev/console is the terminal too",
    script:
      "script -qec \"pullrun run --rm -t box sh -c 'echo there >/dev/console'\" /dev/null </dev/null | tr -d '\\r'",
    worlds: hosts,
    tools: ["script"],
    stdout: "there\n",
  },
  {
    name: "another user can open its terminal",
    script:
      "script -qec \"pullrun run --rm -t -u app box sh -c 'echo mine >/dev/tty'\" /dev/null </dev/null | tr -d '\\r'",
    worlds: hosts,
    tools: ["script"],
    stdout: "mine\n",
  },
  {
    name: "the outer terminal is as it was after the container was killed",
    script: `cat >f <<'end'
stty -a >before
(until pullrun kill dead 2>/dev/null; do sleep 0.1; done) &
pullrun run --rm -it --name dead box sleep 1000; echo $? >status
stty -a >after
end
script -qec 'sh f' /dev/null </dev/null >out; cat status; cmp before after && echo same`,
    worlds: hosts,
    tools: ["script"],
    stdout: "137\nsame\n",
  },
  {
    name: "without -t there is no terminal",
    script:
      'script -qec "pullrun run --rm -i box tty" /dev/null </dev/null >out; pullrun run --rm box test -t 1; echo $?',
    worlds: hosts,
    tools: ["script"],
    stdout: "1\n",
  },
];
