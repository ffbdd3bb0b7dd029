import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { createLogParser } from "../../../src/api/containers/log-lines.js";
import { readLogs, type LogsRequest } from "../../../src/api/containers/logs.js";
import { parseTime } from "../../../src/core/times.js";
import { madeStore, thisBoot } from "../../support/made-container.js";

const exited = `state exited\nboot ${thisBoot}\nexit 0\n`;
const at = (second: number): string => `2026-01-02T03:04:0${second}.123456789Z`;

const log = [
  `${at(1)} stdout F one\n`,
  `${at(2)} stderr F two\n`,
  `${at(3)} stdout P thr\n`,
  `${at(3)} stderr F between\n`,
  `${at(4)} stdout F ee\n`,
  `${at(5)} stdout P no newline at the end\n`,
];

async function written(
  parts: Record<string, string>,
): Promise<(request: Partial<LogsRequest>) => Promise<string[]>> {
  const { context, add } = await madeStore();
  const directory = await add("ab", {}, exited);
  for (const [name, text] of Object.entries(parts)) writeFileSync(path.join(directory, name), text);
  return async (request) => {
    const lines: string[] = [];
    for await (const { stream, text } of readLogs(context, "ab", { follow: false, ...request }))
      lines.push(`${stream === "stderr" ? "! " : ""}${text.toString()}`);
    return lines;
  };
}

test("a log gives back every byte in the order it was written, the older file first", async () => {
  const read = await written({ "log.1": log.slice(0, 2).join(""), log: log.slice(2).join("") });
  expect(await read({})).toEqual(["one\n", "! two\n", "thr", "! between\n", "ee\n", "no newline at the end"]);
});

test("--tail counts lines, not the pieces they came in", async () => {
  const read = await written({ log: log.join("") });
  expect(await read({ tail: 0 })).toEqual([]);
  expect(await read({ tail: 1 })).toEqual(["no newline at the end"]);
  expect(await read({ tail: 3 })).toEqual(["thr", "ee\n", "! between\n", "no newline at the end"]);
  expect(await read({ tail: 100 })).toHaveLength(6);
});

test("--since and --until cut by time", async () => {
  const read = await written({ log: log.join("") });
  const since = parseTime("--since", "2026-01-02T03:04:02Z");
  const until = parseTime("--until", "2026-01-02T03:04:03Z");
  expect(await read({ since, until })).toEqual(["! two\n"]);
});

test("a line that a crash has cut, and what is no line, are passed over", async () => {
  const read = await written({
    log: `${log[0]}garbage\n\n${at(2)} stdin F x\n${at(2)} stdout X x\n${at(3)} std`,
  });
  expect(await read({})).toEqual(["one\n"]);
});

test("bytes that are not UTF-8 arrive as they are, whatever pieces they are read in", () => {
  const parse = createLogParser();
  const bytes = Buffer.concat([Buffer.from(`${at(1)} stdout F `), Buffer.from([0xff, 0x00, 0x80, 0x0a])]);
  const lines = [...bytes].flatMap((byte) => parse(Buffer.from([byte])));
  expect(lines.map(({ text }) => [...text])).toEqual([[0xff, 0x00, 0x80, 0x0a]]);
});

test("following goes on over a rotation, and ends with the container", async () => {
  const { context, paths, add } = await madeStore();
  const directory = await add("ab", {}, `state exited\nboot ${thisBoot}\nexit 0\n`);
  const file = path.join(directory, "log");
  writeFileSync(file, log[0]!);
  const lock = await (await context.helper()).lock(path.join(paths.containers, "ab".padEnd(64, "0"), "lock"));
  const lines: string[] = [];
  for await (const { text } of readLogs(context, "ab", { follow: true })) {
    lines.push(text.toString());
    if (lines.length === 1) {
      appendFileSync(file, log[1]!);
      renameSync(file, `${file}.1`);
      writeFileSync(file, log[3]!);
    }
    if (lines.length === 3) await lock.release();
  }
  expect(lines).toEqual(["one\n", "two\n", "between\n"]);
});

test("a container that wrote straight to a terminal has no log, and is told so", async () => {
  const read = await written({});
  await expect(read({})).rejects.toMatchObject({ code: "NOT_FOUND", hint: expect.stringContaining("-d") });
});

test.each([
  ["1767323045.5", 1_767_323_045_500],
  ["2026-01-02T03:04:05Z", Date.UTC(2026, 0, 2, 3, 4, 5)],
  ["2026-01-02", Date.UTC(2026, 0, 2)],
  ["10m", 400_000],
])("%s is a time", (text, time) => {
  expect(parseTime("--since", text, 1_000_000)).toBe(time);
});

test.each(["", "yesterday", "2026-13-01", "-5"])("%j is no time", (text) => {
  expect(() => parseTime("--since", text)).toThrow(/^--since: .*not a time/);
});
