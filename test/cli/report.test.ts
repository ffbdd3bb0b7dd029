import { describe, expect, test } from "vitest";
import type { ImageReport } from "../../src/api/report.js";
import { column, type Document } from "../../src/cli/report/document.js";
import { htmlOf } from "../../src/cli/report/html.js";
import { markdownOf } from "../../src/cli/report/markdown.js";
import { documentOf } from "../../src/cli/report/sections.js";

const cells = (...rows: string[]): Document => ({
  title: "t",
  sections: [{ heading: "H", table: { columns: [column("code:TEXT")], rows: rows.map((row) => [row]) } }],
});

describe("Markdown", () => {
  const cell = (text: string) => markdownOf(cells(text)).trimEnd().split("\n").at(-1);

  test.each([
    ["is code as it is, where code can hold it", "<b>*a* [x](y)", "| `<b>*a* [x](y)` |"],
    ["cannot end its cell", "a|b", "| <code>a&#124;b</code> |"],
    ["cannot end its cell with a backslash in front", "\\|", "| <code>&#92;&#124;</code> |"],
    ["cannot end its code", "`<i>", "| <code>&#96;&#60;i&#62;</code> |"],
    ["cannot begin a line", "a\n# b", "| `a\\n# b` |"],
    ["cannot turn what follows around", "a\u202eb", "| `a\\u202eb` |"],
    ["keeps a space at its end", "a ", "| <code>a&#32;</code> |"],
    ["stays readable then", "/bin/sh -c (x, y) ", "| <code>/bin/sh -c (x, y)&#32;</code> |"],
    ["may be empty", "", "|  |"],
  ])("an image's text %s", (_, text, line) => {
    expect(cell(text)).toBe(line);
  });
});

describe("HTML", () => {
  test("has an image's text as text, whatever tags, quotes or controls are in it", () => {
    const html = htmlOf(cells(`<script>alert("1")</script>&amp;'\u001b[2J`));
    expect(html).toContain(
      "<code>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;\\x1b[2J</code>",
    );
    expect(html).not.toContain("<script");
  });

  test("has nothing to fetch and nothing to execute", () => {
    const html = htmlOf(cells("a"));
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/src=|href=|url\(|@import/);
  });
});

describe("the sections", () => {
  const wasted = (name: string) =>
    ({ path: Buffer.from(name), layer: 1, bytes: 9, fate: "deleted" }) as const;
  const report: ImageReport = {
    image: {
      names: ["docker.io/library/a:1"],
      id: "sha256:i",
      digest: "sha256:d",
      manifest: "sha256:m",
      platform: "linux/amd64",
      size: 0,
    },
    config: {
      user: "",
      env: ["PATH"],
      entrypoint: [],
      cmd: ["sh", "-c"],
      workingDir: "",
      volumes: [],
      exposedPorts: ["80/tcp"],
      labels: { k: "v" },
    },
    layers: [],
    history: [],
    usage: {
      layers: [],
      directories: [],
      wasted: [wasted("/a"), wasted("/b")],
      totalBytes: 20,
      wastedBytes: 18,
      efficiency: 0.1,
    },
    files: { counts: {}, largest: [], privileged: [], worldWritable: [] },
  };
  const text = markdownOf(documentOf(report, 1));

  test("leave out what the image does not say, and tell what its silence means", () => {
    expect(text).toContain("| User | `root` |");
    expect(text).toContain('| Command | `["sh","-c"]` |');
    expect(text).not.toContain("Entrypoint");
    expect(text).toContain("## History\n\nThe image does not tell.");
    expect(text).toMatch(/## Writable by everybody\n\n.* None\.\n/);
  });

  test("end long lists with how much more there is", () => {
    expect(text).toContain("10.00%: 18B of 20B are data that no container sees. 1 more with --format json.");
    expect(text).toContain("`/a`");
    expect(text).not.toContain("`/b`");
  });
});
