import { everywhere, hosts, roots, type Case } from "../case.js";

export const fsCases: readonly Case[] = [
  {
    name: "--read-only leaves only the places that are for writing",
    script:
      "pullrun run --rm --read-only --tmpfs /t box sh -c 'touch /x || echo ro; touch /dev/shm/x /t/x && echo rw'",
    worlds: everywhere,
    peer: roots,
    stdout: "ro\nrw\n",
    stderr: /Read-only/,
  },
  {
    name: "tmpfs options hold",
    script:
      'pullrun run --rm --tmpfs /t:size=64k,mode=0700,ro box sh -c \'grep -o " /t tmpfs ro,nosuid,nodev,noexec" /proc/mounts; grep -c " /t .*size=64k" /proc/mounts; stat -c %a /t\'',
    worlds: hosts,
    stdout: " /t tmpfs ro,nosuid,nodev,noexec\n1\n700\n",
  },
  {
    name: "a file and a directory can be bound, and ro holds",
    script:
      "mkdir d; echo file >f; echo inner >d/i; pullrun run --rm -v \"$PWD/f:/f\" -v ./d:/d:ro box sh -c 'cat /f /d/i; touch /d/x || echo ro'; ls d",
    worlds: hosts,
    peer: ["host root"],
    stdout: "file\ninner\nro\ni\n",
    stderr: /Read-only/,
  },
  {
    name: "mounts nest by depth in whatever order they are given",
    script:
      "mkdir a b; touch a/in-a b/in-b; mkdir a/sub; pullrun run --rm -v ./b:/m/sub -v ./a:/m box sh -c 'ls /m /m/sub'",
    worlds: hosts,
    peer: ["host root"],
    stdout: "/m:\nin-a\nsub\n\n/m/sub:\nin-b\n",
  },
  {
    name: "a bind over a link lands where the link leads inside the root",
    script: "mkdir d; touch d/here; pullrun run --rm -v ./d:/link box ls /var",
    worlds: hosts,
    peer: ["host root"],
    stdout: "here\n",
  },
  {
    name: "a bind onto / is refused",
    script: "pullrun run --rm -v /tmp:/ box true; test $? = 125",
    worlds: hosts,
    stderr: /\//,
  },
  {
    name: "what a container writes in its root is gone with it",
    script: "pullrun run --rm box touch /etc/mark; pullrun run --rm box test -e /etc/mark; echo $?",
    worlds: hosts,
    stdout: "1\n",
  },
  {
    name: "what the image has at a new volume is copied with its owner",
    script:
      "pullrun run --rm -v blackbox:/home/app box stat -c %u /home/app; pullrun volume rm blackbox >/dev/null",
    worlds: everywhere,
    peer: roots,
    stdout: "1000\n",
  },
  {
    name: "the kernel's own files cannot be written or are not there",
    script:
      "pullrun run --rm box sh -c 'for f in /proc/sysrq-trigger /proc/sys/kernel/panic /sys/power/state /proc/irq/default_smp_affinity; do (echo x >$f) 2>/dev/null && echo $f; done; cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c'",
    worlds: hosts,
    peer: ["host root"],
    stdout: "0\n",
  },
];
