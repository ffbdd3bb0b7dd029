import { everywhere, hosts, type Case } from "../case.js";

export const crashCases: readonly Case[] = [
  {
    name: "SIGKILL of the command does not leave its foreground container running",
    script: `pullrun run --rm --name orphan -v "$PWD:/w" box sh -c 'touch /w/up; while sleep 0.2; do touch /w/alive; done' & p=$!
until test -e up; do sleep 0.1; done; kill -9 $p; wait $p; echo $?; sleep 1; rm -f alive; sleep 2; ls; pullrun rm -f orphan >/dev/null 2>&1; pullrun ps -aq -f name=orphan`,
    worlds: everywhere,
    stdout: "137\nup\n",
  },
  {
    name: "SIGKILL of a supervisor ends its container, which is then shown as ended and can be removed",
    script: `pullrun run -d --name bereft -v "$PWD:/w" box sh -c 'touch /w/up; while sleep 0.2; do touch /w/alive; done' >/dev/null
until test -e up; do sleep 0.1; done; kill -9 $(cut -d' ' -f4 /proc/$(pullrun inspect --format '{{.State.Pid}}' bereft)/stat)
sleep 2; rm -f alive; sleep 1; ls; pullrun ps -q -f name=bereft; pullrun rm bereft`,
    worlds: everywhere,
    stdout: "up\nbereft\n",
  },
  {
    name: "a status that an earlier boot left does not count",
    script: `pullrun run -d --name old box sleep 1000 >id; d=$PULLRUN_ROOT/containers/$(cat id); cp $d/status kept; pullrun kill old >/dev/null; pullrun wait old >/dev/null
sed 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' kept >$d/status; pullrun ps -q -f name=old; pullrun rm old`,
    worlds: hosts,
    stdout: "old\n",
  },
];
