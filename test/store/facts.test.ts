import { expect, test } from "vitest";
import { limits } from "../../src/core/limits.js";
import { collectFacts } from "../../src/store/facts.js";
import { mergeLayers } from "../support/trees.js";

test.each([
  ["a FIFO", { name: "etc/passwd", flag: "6" }],
  ["a device", { name: "etc/passwd", flag: "3" }],
  ["a directory", { name: "etc/passwd/", flag: "5" }],
  ["larger than a list of accounts may be", { name: "etc/passwd", data: "x".repeat(limits.passwdBytes + 1) }],
  ["a link to the host's", { name: "etc/passwd", flag: "2", link: "/proc/1/root/etc/passwd" }],
  ["a link out of the image", { name: "etc/passwd", flag: "2", link: "../../../../etc/passwd2" }],
])(
  "CVE-2024-9676: an image whose /etc/passwd is %s has no accounts, and nothing of the host is read",
  async (_, entry) => {
    const { top } = mergeLayers(["etc/", entry]);
    expect(await collectFacts(top, [])).toEqual({ passwd: undefined, group: undefined });
  },
);
