import { everywhere, hosts, roots, type Case } from "../case.js";

export const lifecycleCases: readonly Case[] = [
  {
    name: "a container in the background has logs, stops, and goes with rm",
    script: `pullrun run -d --name back box sh -c 'echo out; echo err >&2; sleep 1000' >id
until pullrun logs back 2>&1 | grep -q err; do sleep 0.1; done; pullrun logs back 2>/dev/null; pullrun stop -t 0 back; pullrun ps -a --format '{{.Names}} {{.Status}}' | grep -o 'back Exited (137)'; pullrun rm back; wc -c <id`,
    worlds: everywhere,
    peer: roots,
    stdout: "out\nback\nback Exited (137)\nback\n65\n",
  },
  {
    name: "a name is taken once",
    script:
      "pullrun create --name taken box true >/dev/null; pullrun create --name taken box true; test $? != 0 && pullrun rm taken",
    worlds: hosts,
    peer: ["host root"],
    stdout: "taken\n",
    stderr: /taken/,
  },
  {
    name: "the beginning of an id is enough",
    script:
      "id=$(pullrun create box true); pullrun rm $(echo $id | cut -c1-12) >/dev/null; pullrun inspect $id; test $? != 0",
    worlds: hosts,
  },
  {
    name: "a cidfile that exists is refused with 125",
    script: "touch f; pullrun run --rm --cidfile f box true",
    worlds: hosts,
    status: 125,
    stderr: /f/,
  },
  {
    name: "stop of a process that ignores SIGTERM ends in SIGKILL",
    script:
      "pullrun run -d --name deaf box sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' >/dev/null; sleep 1; pullrun stop -t 1 deaf; pullrun wait deaf; pullrun rm deaf",
    worlds: hosts,
    peer: ["host root"],
    stdout: "deaf\n137\ndeaf\n",
  },
  {
    name: "rm of a running container is refused, with -f not",
    script:
      "pullrun run -d --name busy box sleep 1000 >/dev/null; pullrun rm busy; test $? != 0 && pullrun rm -f busy",
    worlds: hosts,
    stdout: "busy\n",
    stderr: /busy|running/,
  },
  {
    name: "20 containers at once all run",
    script:
      "for i in $(seq 20); do (pullrun run --rm box sh -c \"exit $i\"; echo $?) & done | sort -n | tr '\\n' ' '",
    worlds: hosts,
    stdout: `${Array.from({ length: 20 }, (_, i) => i + 1).join(" ")} `,
  },
  {
    name: "exec has its own exit status, environment, user and directory",
    script:
      "pullrun run -d --name inside -e KEPT=yes box sleep 1000 >/dev/null; pullrun exec -e ADDED=too -u app -w /tmp inside sh -c 'echo $KEPT $ADDED $(id -u) $PWD; exit 7'; echo $?; pullrun rm -f inside",
    worlds: everywhere,
    peer: roots,
    stdout: "yes too 1000 /tmp\n7\ninside\n",
  },
  {
    name: "exec into a stopped container fails",
    script:
      "pullrun create --name still box true >/dev/null; pullrun exec still true; test $? != 0 && pullrun rm still",
    worlds: hosts,
    stdout: "still\n",
  },
  {
    name: "logs have a tail, and times on demand; a line without its end is a line",
    script:
      "pullrun run --name said box sh -c 'seq 1 5; printf six' >/dev/null; pullrun logs --tail 2 said; echo; pullrun logs -t said | head -n 1 | grep -cE '^[0-9-]+T[0-9:.]+(Z|[+-][0-9:]+) 1$'; pullrun rm said",
    worlds: hosts,
    stdout: "5\nsix\n1\nsaid\n",
  },
  {
    name: "a stopped container starts again with what it had written",
    script:
      "pullrun run --name again box sh -c 'echo x >>/n; wc -l </n'; pullrun start -a again; pullrun rm again",
    worlds: hosts,
    peer: ["host root"],
    stdout: "1\n2\nagain\n",
  },
  {
    name: "a container that fails is started again as often as asked",
    script:
      "pullrun run --name stubborn --restart on-failure:2 -v \"$PWD:/w\" box sh -c 'echo x >>/w/n; exit 3'; pullrun wait stubborn; wc -l <n; pullrun rm stubborn",
    worlds: hosts,
    peer: ["host root"],
    stdout: /^3\n3\nstubborn\n$/,
  },
];
