import { hosts, type Case } from "../case.js";

export const entrypointCases: readonly Case[] = [
  {
    name: "ENTRYPOINT and CMD make the command",
    script: "pullrun run --rm entry",
    worlds: hosts,
    stdout: "entry cmd\n",
  },
  {
    name: "arguments replace CMD",
    script: "pullrun run --rm entry one two",
    worlds: hosts,
    stdout: "entry one two\n",
  },
  {
    name: "--entrypoint drops CMD",
    script: "pullrun run --rm --entrypoint /bin/echo entry",
    worlds: hosts,
    peer: ["host root"],
    stdout: "\n",
  },
  {
    name: "--entrypoint '' leaves the arguments alone",
    script: "pullrun run --rm --entrypoint '' entry echo bare",
    worlds: hosts,
    peer: ["host root"],
    stdout: "bare\n",
  },
  {
    name: "the shell form gets arguments as the shell's",
    script: "pullrun run --rm shell one",
    worlds: hosts,
    stdout: "shell one\n",
  },
  {
    name: "an image with neither is refused with 125",
    script: "pullrun run --rm neither",
    worlds: hosts,
    status: 125,
    stderr: /neither the image nor the command line/,
  },
  {
    name: "flags after the image belong to the command",
    script: "pullrun run --rm box echo --rm -it",
    worlds: hosts,
    peer: ["host root"],
    stdout: "--rm -it\n",
  },
];
