import { hosts, roots, type Case } from "../case.js";

const answer = "echo up; echo pong | nc -l -p 80";
const read = (port: number): string => `bash -c 'cat </dev/tcp/127.0.0.1/${port}'`;

export const netCases: readonly Case[] = [
  {
    name: "a port published on the bridge answers, and the next container can have it",
    script: `for i in 1 2; do pullrun run -d --rm --name web$i --network bridge -p 127.0.0.1:18080:80 box sh -c '${answer}; sleep 1000' >/dev/null
until pullrun logs web$i | grep -q up; do sleep 0.2; done; sleep 0.3; ${read(18080)}; pullrun rm -f web$i; done`,
    worlds: roots,
    tools: ["ip", "nft", "bash"],
    stdout: "pong\nweb1\npong\nweb2\n",
  },
  {
    name: "a user's container has an address, and a published port answers",
    script: `pullrun run -d --rm --name uweb --network slirp4netns -p 127.0.0.1:18081:80 box sh -c '${answer}; sleep 1000' >/dev/null
until pullrun logs uweb | grep -q up; do sleep 0.2; done; sleep 0.3; ${read(18081)}; pullrun rm -f uweb`,
    worlds: ["VM user"],
    tools: ["slirp4netns", "bash"],
    stdout: "pong\nuweb\n",
  },
  {
    name: "a port in use is refused with 125, and nothing of the container is left",
    script: `pullrun run -d --rm --name first --network bridge -p 127.0.0.1:18082:80 box sleep 1000 >/dev/null
pullrun run --rm --name second --network bridge -p 127.0.0.1:18082:80 box true; echo $?; pullrun ps -aq -f name=second; pullrun rm -f first`,
    worlds: ["host root"],
    tools: ["ip", "nft"],
    stdout: "125\nfirst\n",
  },
  {
    name: "hosts has localhost, its own name and what --add-host says",
    script:
      "pullrun run --rm --hostname self --add-host other:192.0.2.7 box sh -c \"sed 's/[ \\t][ \\t]*/ /g' /etc/hosts | grep -E '^(127.0.0.1 localhost|192.0.2.7 other)$'\"",
    worlds: hosts,
    stdout: /^(127.0.0.1 localhost\n192.0.2.7 other|192.0.2.7 other\n127.0.0.1 localhost)\n$/,
  },
  {
    name: "name servers are those of --dns",
    script:
      "pullrun run --rm --network none --dns 192.0.2.53 --dns-search example.test box cat /etc/resolv.conf",
    worlds: hosts,
    stdout: /nameserver 192\.0\.2\.53/,
  },
];
