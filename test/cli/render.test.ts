import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeName, escapeText } from "../../src/cli/render/escape.js";
import { linkText, modeText, ownerText, sizeText, timeText } from "../../src/cli/render/files.js";
import { bytesField, formatJson } from "../../src/cli/render/json.js";
import { formatTable, truncate } from "../../src/cli/render/table.js";
import { ageOf, dockerTime } from "../../src/cli/render/units.js";

test.each([
  ["plain names", "passwd", "passwd"],
  ["spaces and letters of any script", "grüße 漢字", "grüße 漢字"],
  ["a line break", "a\nb", "a\\nb"],
  ["an escape sequence", "\u001b[2J", "\\x1b[2J"],
  ["a C1 control", "a\u009bb", "a\\u009bb"],
  ["a mark that turns the text direction", "a\u202eb", "a\\u202eb"],
  ["a backslash", "a\\nb", "a\\\\nb"],
])("a name with %s is shown as it can be", (_, name, shown) => {
  expect(escapeName(Buffer.from(name))).toBe(shown);
});

test("a name that is not UTF-8 shows its bytes", () => {
  expect(escapeName(Buffer.from([0x61, 0xff, 0x5c, 0x0a, 0xc3]))).toBe("a\\xff\\\\\\n\\xc3");
});

test("names that differ look different, and none has a character a terminal acts upon", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(escapeName(a)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      expect(escapeName(a) === escapeName(b)).toBe(a.equals(b));
    }),
  );
});

test("bytes in JSON are exact: text where they are text, and all of them in base64 where they are not", () => {
  expect(bytesField("path", Buffer.from("/a\nb"))).toEqual({ path: "/a\nb" });
  const bytes = Buffer.from([0x2f, 0xff]);
  expect(bytesField("path", bytes)).toEqual({ path: "/\ufffd", pathBytes: bytes.toString("base64") });
});

test("JSON has no character a terminal acts upon, and reads back the same", () => {
  const value = { "a\u009b": "\u007f\u202e\u2028\n\u001b" };
  const text = formatJson(value);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/);
  expect(JSON.parse(text)).toEqual(value);
});

test("a table keeps hostile cells on their line", () => {
  expect(formatTable(["A", "B"], [["x\ny", "1"]])).toBe("A      B\nx\\ny   1\n");
});

test("text is cut with a mark", () => {
  expect(truncate("abcdef", 4)).toBe("abc…");
  expect(truncate("abcd", 4)).toBe("abcd");
  expect(escapeText("a\\b")).toBe("a\\b");
});

const attributes = { mode: 0o755, uid: 0, gid: 5, mtime: 0, mtimeNs: 0, xattrs: [] };

test.each([
  ["directory", 0o1777, "drwxrwxrwt"],
  ["file", 0o4755, "-rwsr-xr-x"],
  ["file", 0o4644, "-rwSr--r--"],
  ["file", 0o2755, "-rwxr-sr-x"],
  ["file", 0o1000, "---------T"],
  ["symlink", 0o777, "lrwxrwxrwx"],
  ["hardlink", 0o600, "hrw-------"],
  ["char", 0o666, "crw-rw-rw-"],
  ["block", 0o660, "brw-rw----"],
  ["fifo", 0o644, "prw-r--r--"],
] as const)("a %s with mode %o is shown as %s", (type, mode, shown) => {
  expect(modeText({ type, attributes: { ...attributes, mode } })).toBe(shown);
});

test("a long listing shows links, device numbers and deletions", () => {
  const at = { path: Buffer.from("/x"), attributes, size: 0 };
  expect(linkText({ ...at, type: "symlink", target: Buffer.from("a\nb") })).toBe(" -> a\\nb");
  expect(linkText({ ...at, type: "hardlink", target: Buffer.from("/y") })).toBe(" = /y");
  expect(sizeText({ ...at, type: "char", device: { major: 1, minor: 3 } })).toBe("1,3");
  const deleted = { ...at, type: "deleted", attributes: undefined } as const;
  expect(modeText(deleted)).toBe("w---------");
  expect([ownerText(deleted), sizeText(deleted)]).toEqual(["-", "0"]);
});

test.each([
  [0, "1970-01-01 00:00:00"],
  [-1, "1969-12-31 23:59:59"],
  [1_716_371_311, "2024-05-22 09:48:31"],
  [951_868_799, "2000-02-29 23:59:59"],
  [253_402_300_800, "+010000-01-01 00:00:00"],
  [1e14, "@100000000000000"],
])("the time %d is shown as %s", (seconds, shown) => {
  expect(timeText(seconds)).toBe(shown);
});

test("an image's time that is none is shown without making one up", () => {
  expect(ageOf("yesterday")).toBe("N/A");
  expect(ageOf(undefined)).toBe("N/A");
  expect(dockerTime("yesterday")).toBe("yesterday");
  expect(dockerTime("2024-05-22T09:48:31.5Z")).toBe("2024-05-22 09:48:31 +0000 UTC");
});
