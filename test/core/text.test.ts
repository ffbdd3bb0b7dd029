import { expect, test } from "vitest";
import { printable, printableUrl } from "../../src/core/text.js";

test.each([
  ["escape sequences", "\u001b[31mred", "?[31mred"],
  ["line breaks", "a\r\nb\u2028c", "a??b?c"],
  ["C1 controls", "a\u009bb", "a?b"],
  ["text direction marks", "a\u202eb\u2066c", "a?b?c"],
  ["marks without a width that turn the order of their neighbours", "a\u200fb\u200ec\u061cd", "a?b?c?d"],
  ["other letters, left alone", "jürgen 漢字 🚀", "jürgen 漢字 🚀"],
])("text from outside is shown without %s", (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("text from outside is cut to its limit", () => {
  expect(printable("x".repeat(500), 10)).toBe("xxxxxxxxx…");
});

test("a URL is shown without its secrets", () => {
  expect(printableUrl(new URL("https://user:pw@h.example:8443/a/b?X-Amz-Signature=s#f"))).toBe(
    "https://h.example:8443/a/b?…",
  );
});
