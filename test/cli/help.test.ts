import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { helpLayout, wrap } from "../../src/cli/help.js";

describe("wrapping", () => {
  test.each([
    ["goes to the last column, and not beyond", "ab cd ef", 5, ["ab cd", "ef"]],
    ["breaks a word only where it is longer than a line", "a abcdefgh b", 4, ["a", "abcd", "efgh", "b"]],
    ["breaks such a word after a mark, where it has one", "type=,source=", 8, ["type=,", "source="]],
    ["has no lines for no words", "", 5, []],
    ["ends with a column of nothing", "ab", 0, ["a", "b"]],
  ])("%s", (_, text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines);
  });
});

describe("help", () => {
  const helpAt = (columns: number) =>
    new Command("pullrun")
      .description("pull an image and run it")
      .usage("[options] IMAGE\n       pullrun COMMAND ...")
      .option("-d, --detach", "run in the background, and print the id")
      .option("--long-name <with[:a][:longer][:value]>", "short")
      .configureHelp({ ...helpLayout, helpWidth: columns })
      .helpInformation()
      .split("\n");

  test("of 20 columns has options on lines of their own, and no line that is longer", () => {
    const lines = helpAt(20);
    expect(lines.slice(0, 9)).toEqual([
      "Usage: pullrun",
      "       [options]",
      "       IMAGE",
      "       pullrun",
      "       COMMAND ...",
      "",
      "pull an image and",
      "run it",
      "",
    ]);
    expect(lines.slice(9, 14)).toEqual([
      "Options:",
      "  -d, --detach",
      "      run in the",
      "      background,",
      "      and print the",
    ]);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(20);
  });

  test("of 60 columns has descriptions beside the options, but below one that is long", () => {
    const lines = helpAt(60);
    expect(lines).toContain("  -d, --detach              run in the background, and print");
    expect(lines).toContain("                            the id");
    const at = lines.indexOf("  --long-name <with[:a][:longer][:value]>");
    expect(lines[at + 1]).toBe("                            short");
  });

  test("without end of lines has one line for each option, which grep finds", () => {
    expect(helpAt(Infinity)).toContainEqual(
      expect.stringMatching(/^ {2}-d, --detach +run in the background, and print the id$/),
    );
  });
});
