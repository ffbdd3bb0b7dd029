import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatRows, formatValue } from "../../src/cli/format.js";
import { UsageError } from "../../src/core/errors.js";

const image = {
  Id: "sha256:abc",
  Author: "",
  Size: 2048,
  RepoTags: ["app:1", "app:latest"],
  Config: {
    Env: ["PATH=/bin", "A=b"],
    Labels: { b: "two", a: "one" },
    Cmd: [],
    User: "\u001b[31mroot\nx",
    Volumes: {},
  },
  Nothing: null,
  Ports: [{ Host: "a" }, { Host: "bc" }],
};

test.each([
  ["a field", "{{.Id}}", "sha256:abc"],
  ["a nested field, as Go prints a list", "{{.Config.Env}}", "[PATH=/bin A=b]"],
  ["a map, by its keys in order", "{{.Config.Labels}}", "map[a:one b:two]"],
  ["text around actions", "id={{.Id}}!", "id=sha256:abc!"],
  ["\\t and \\n of a command line", "a\\t{{.Size}}\\nb", "a\t2048\nb"],
  ["null", "{{.Nothing}}", "<no value>"],
  ["a field of what parentheses hold", "{{(index .Ports 0).Host}} {{len (index .Ports 1).Host}}", "a 2"],
  ["a field of a range's value", "{{range $i, $p := .Ports}}{{$i}}={{(print $p.Host)}} {{end}}", "0=a 1=bc "],
  ["parentheses, and an argument after them", "{{print (len .RepoTags) .Size}}", "2 2048"],
  ["json", "{{json .Config.Env}}", '["PATH=/bin","A=b"]'],
  ["join", '{{join .Config.Env ", "}}', "PATH=/bin, A=b"],
  ["join with a line break", '{{join .RepoTags "\\n"}}', "app:1\napp:latest"],
  ["a pipe", "{{.Id | upper}}", "SHA256:ABC"],
  ["two pipes", '{{join .RepoTags "," | upper | lower}}', "app:1,app:latest"],
  ["upper and lower", '{{upper "aB"}}{{lower "aB"}}', "ABab"],
  ["len", "{{len .Config.Env}} {{len .Id}} {{len .Config.Labels}}", "2 10 2"],
  ["index of a list", "{{index .RepoTags 1}}", "app:latest"],
  ["index of a map", '{{index .Config.Labels "a"}}', "one"],
  ["a key a map does not have", '[{{index .Config.Labels "constructor"}}]', "[]"],
  ["split", '{{index (split .Id ":") 1}}', "abc"],
  ["parentheses", "{{len (index .RepoTags 0)}}", "5"],
  ["range", "{{range .RepoTags}}<{{.}}>{{end}}", "<app:1><app:latest>"],
  ["range over nothing", "{{range .Config.Cmd}}x{{else}}none{{end}}", "none"],
  ["range with variables", "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a=one;b=two;"],
  [
    "range with one variable",
    "{{range $v := .RepoTags}}{{$v}} {{$.Id}} {{end}}",
    "app:1 sha256:abc app:latest sha256:abc ",
  ],
  ["if", "{{if .Author}}yes{{else}}no{{end}}", "no"],
  ["else if", "{{if .Author}}a{{else if .Size}}b{{else}}c{{end}}", "b"],
  ["with", "{{with .Config}}{{.Env}}{{end}}", "[PATH=/bin A=b]"],
  [
    "comparisons",
    '{{eq .Id "sha256:abc"}} {{ne .Size 1}} {{gt .Size 1}} {{le .Size 1}} {{not .Author}}',
    "true true true false true",
  ],
  ["and, or", "{{and .Size .Id}} {{or .Author .Size}}", "sha256:abc 2048"],
  ["a variable", "{{$x := .Size}}{{if .Size}}{{$x = 7}}{{end}}{{$x}}", "7"],
  ["print and println", '{{print .Size "a"}}{{println .Id 1}}', "2048asha256:abc 1\n"],
  [
    "printf",
    '{{printf "%s|%-6s|%04d|%v|%q|%.1f%%" .Id "ab" .Size .RepoTags "c" 2}}',
    'sha256:abc|ab    |2048|[app:1 app:latest]|"c"|2.0%',
  ],
  [
    "printf of what an image says",
    '{{printf "%s %q" .Config.User .Config.User}}',
    '\\x1b[31mroot\\nx "\\u001b[31mroot\\nx"',
  ],
  ["printf that a pipe fills", '{{.Size | printf "%6d"}}', "  2048"],
  ["truncate and pad", '{{truncate .Id 4}} {{truncate "ab" 4}}{{pad .Id 1 2}}.', "sha2 ab sha256:abc  ."],
  [
    "slice of a text or list",
    "{{slice .Id 7}} {{slice .Id 0 3}} {{slice .RepoTags 1}}",
    "abc sha [app:latest]",
  ],
  ["ID for what JSON has as Id", "{{.ID}}", "sha256:abc"],
  ["a quoted line break", '{{.Size}}{{"\\n"}}{{`\\n`}}', "2048\n\\n"],
  ["braces in a string", '{{"}}"}}', "}}"],
  ["trimmed space", "a  {{- .Size -}}  b", "a2048b"],
  ["a comment", "a{{/* {{no}} */}}b", "ab"],
  ["control characters of the image, spelt out", "{{.Config.User}}", "\\x1b[31mroot\\nx"],
  [
    "the same after a function",
    '{{upper .Config.User}}{{join (split .Config.User "r") ""}}',
    "\\x1b[31MROOT\\nX\\x1b[31moot\\nx",
  ],
  ["the same in json", "{{json .Config.User}}", '"\\u001b[31mroot\\nx"'],
])("a template has %s", (_, template, output) => {
  expect(formatValue(template, image)).toBe(`${output}\n`);
});

test("a key that a map lacks is no value, as in Go; a field is a mistake", () => {
  expect(formatValue("{{.Config.Labels.nope}}", { Config: { Labels: {} } })).toBe("<no value>\n");
  expect(formatValue("{{if .Labels.nope}}yes{{else}}no{{end}}", { Labels: { a: "b" } })).toBe("no\n");
  expect(() => formatValue("{{.Config.nope}}", { Config: {} })).toThrow("no field .nope");
});

test("json alone prints the whole value on one line", () => {
  expect(formatValue("json", { a: [1], b: "\u009b" })).toBe('{"a":[1],"b":"\\u009b"}\n');
});

test.each([
  ["a field that is not there", "{{.Foo}}", "no field .Foo"],
  ["a field of the prototype", "{{.constructor}}", "no field .constructor"],
  ["a field of text", "{{.Id.x}}", ".x: sha256:abc has no fields"],
  ["an open action", "{{.Id", "{{ without }}"],
  ["an unknown function", "{{frobnicate .}}", "no function frobnicate"],
  ["if without end", "{{if .Id}}x", "{{if}} without {{end}}"],
  ["end without if", "{{end}}", "{{end}} without {{if}}"],
  ["else twice", "{{if .Id}}{{else}}{{else}}{{end}}", "{{else}} without {{end}}"],
  ["an index out of range", "{{index .RepoTags 2}}", "index: 2 is out of range"],
  ["range over a number", "{{range .Size}}{{end}}", "range: 2048 is neither a list nor a map"],
  ["a pipe into no function", "{{.Id | .Size}}", "expected a function after |"],
  ["an argument for a value", "{{.Id 1}}", "takes no arguments"],
  ["an unknown variable", "{{$x}}", "no variable $x"],
  ["a variable after its block", "{{if .Id}}{{$x := 1}}{{end}}{{$x}}", "no variable $x"],
  ["a lone parenthesis", "{{(.Id}}", "a ( without )"],
  ["a closing parenthesis too many", "{{.Id)}}", "a ) too many"],
  ["a function without arguments", "{{len}}", "len without arguments"],
  ["printf without a value", '{{printf "%s %s" .Id}}', "printf: no value for %s"],
  ["printf of text as a number", '{{printf "%d" .Id}}', "printf: sha256:abc is nothing for %d"],
  ["printf with a value too many", '{{printf "a" .Id}}', "printf: nothing takes sha256:abc"],
  ["a slice from nowhere", "{{slice .Id -1}}", "slice: -1 is no position"],
  ["an unfinished string", '{{"a}}', "unexpected"],
  ["strings and numbers compared", '{{lt .Size "a"}}', "not both numbers or both strings"],
  ["nesting without end", "{{if .Id}}".repeat(100), "nested too deeply"],
  ["parentheses without end", `{{${"(".repeat(1000)}`, "{{ without }}"],
  ["deep parentheses", `{{${"(".repeat(1000)}1${")".repeat(1000)}}}`, "nested too deeply"],
])("a template is refused for %s", (_, template, problem) => {
  expect(() => formatValue(template, image)).toThrow(UsageError);
  expect(() => formatValue(template, image)).toThrow(problem);
});

test("ranges over ranges of a long list end with an error, not with a full memory", () => {
  const list = Array.from({ length: 1000 }, () => "x".repeat(100));
  const template = "{{range .}}{{range $}}{{range $}}{{.}}{{end}}{{end}}{{end}}";
  expect(() => formatValue(template, list)).toThrow(/too long/);
});

test("whatever the template is, the answer is text or a usage error", () => {
  const fragments = [
    "{{",
    "}}",
    ".",
    ".Id",
    ".Config",
    "range",
    "if",
    "else",
    "end",
    "json",
    "len",
    "|",
    "(",
    ")",
    "$",
    "$x",
    ":=",
    ",",
    '"',
    "`",
    " ",
    "-",
    "1",
    "text",
    "/*",
    "*/",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 30 }), (parts) => {
      try {
        expect(typeof formatValue(parts.join(""), image)).toBe("string");
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }),
  );
});

describe("a list by a template", () => {
  const rows = [
    { ID: "1", Name: "a" },
    { ID: "22", Name: "long" },
  ];
  const headings = { ID: "IMAGE ID", Name: "NAME" };

  test("has a line per row", () => {
    expect(formatRows("{{.ID}}:{{.Name}}", rows, headings)).toBe("1:a\n22:long\n");
  });

  test("has headings and columns after `table`", () => {
    expect(formatRows("table {{.Name}}\\t{{.ID}}", rows, headings)).toBe(
      "NAME   IMAGE ID\na      1\nlong   22\n",
    );
  });

  test("is an error where the template is none, though the list be empty", () => {
    expect(() => formatRows("{{.Name", [], headings)).toThrow(UsageError);
    expect(formatRows("{{.Name}}", [], headings)).toBe("");
  });

  test("is one JSON document per line with json", () => {
    expect(formatRows("json", rows, headings)).toBe('{"ID":"1","Name":"a"}\n{"ID":"22","Name":"long"}\n');
  });
});
