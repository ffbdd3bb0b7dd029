import { expect, test } from "vitest";
import { ownerPolicy } from "../../src/store/owners.js";
import { createTarReader } from "../../src/store/tar-reader.js";
import { single } from "../launch/samples.js";
import { tar, type TarEntrySpec } from "../support/tar.js";
import { mergeLayers, nodeAt } from "../support/trees.js";

/** CSI in one character of C1, and one that turns the order of what follows: JSON.stringify leaves both as they are. */
const evil = "\u009b2J\u202e";
const hard: TarEntrySpec = { name: "x", flag: "1", link: evil };

function saidOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

function tellOf(attribute: string, say: (message: string) => void): void {
  const { top } = mergeLayers([{ name: "x", pax: { [`SCHILY.xattr.${attribute}`]: "v" } }]);
  ownerPolicy(single, say).metaOf(nodeAt(top, "x"), () => "x");
}

test.each<[string, (say: (message: string) => void) => void]>([
  ["a hard link leads to", () => mergeLayers([hard])],
  [
    "an entry has for a type",
    () => {
      const archive = tar({ name: "x" });
      archive[156] = 0x9b;
      archive.fill(" ", 148, 156);
      const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
      createTarReader({ what: "layer", maxEntries: 1, onEntry: () => undefined }).write(archive);
    },
  ],
  ["an attribute is called that Linux has not", (say) => tellOf(evil, say)],
  ["an attribute is called that takes root", (say) => tellOf(`trusted.${evil}`, say)],
])("what %s comes harmless to a terminal", (_, action) => {
  const said: string[] = [];
  const thrown = saidOf(() => action((message) => said.push(message)));
  const text = thrown + said.join("");
  expect(text).toMatch(/"(?:trusted\.)?\?/);
  expect(text).not.toMatch(/[\u0080-\u009f\u202e]/);
});
