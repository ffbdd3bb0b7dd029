import { interruptibleSleep } from "../../core/interruptible-sleep.js";
import { StoreError } from "../../core/errors.js";
import type { Context } from "../context.js";
import { isUp, readContainer, type Container } from "./container.js";
import { findContainer } from "./find.js";
import { openLog, type Log } from "./log-files.js";
import { createLogParser, type LogLine } from "./log-lines.js";
import { nameOf } from "./names.js";
import { isAlive } from "./process.js";

export interface LogsRequest {
  /** Go on with what comes, to the container's end. */
  readonly follow: boolean;
  /** Only so many lines of what is there. */
  readonly tail?: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
}

export type { LogLine };

const pollMs = 50;

/** What a container has written, in the order it did. @throws StoreError NOT_FOUND, also where it has no log */
export async function* readLogs(
  context: Context,
  word: string,
  request: LogsRequest,
): AsyncGenerator<LogLine> {
  const container = await findContainer(context, word);
  const log = await openLog(container.directory);
  if (log === undefined) {
    if (container.status === undefined || container.phase === "created") return;
    throw noLog(container);
  }
  try {
    const parse = createLogParser();
    yield* lastOf(within(readAll(log, parse), request), request.tail);
    if (request.follow) yield* within(follow(context, container, { log, parse }), request);
  } finally {
    await log.close();
  }
}

type Parse = ReturnType<typeof createLogParser>;

async function* readAll(log: Log, parse: Parse): AsyncGenerator<LogLine> {
  for (let bytes = await log.read(); bytes !== undefined; bytes = await log.read()) yield* parse(bytes);
}

/** Whether it had ended is asked before reading: what it wrote last is in the log by then. */
async function* follow(
  context: Context,
  container: Container,
  { log, parse }: { readonly log: Log; readonly parse: Parse },
): AsyncGenerator<LogLine> {
  for (let ended = false; !ended;) {
    ended = await hasEnded(context, container);
    yield* readAll(log, parse);
    if (!ended) await interruptibleSleep(pollMs, context.signal);
  }
}

async function hasEnded(context: Context, { directory, status }: Container): Promise<boolean> {
  if (status !== undefined && (await isAlive(status))) return false;
  const now = await readContainer(await context.helper(), directory);
  return now === undefined || !isUp(now.phase);
}

async function* within(lines: AsyncIterable<LogLine>, request: LogsRequest): AsyncGenerator<LogLine> {
  const { since = -Infinity, until = Infinity } = request;
  for await (const line of lines) {
    const time = Date.parse(line.time);
    if (time > until) return;
    if (!(time < since)) yield line;
  }
}

/** The last lines; pieces of one count once. */
async function* lastOf(lines: AsyncIterable<LogLine>, count: number | undefined): AsyncGenerator<LogLine> {
  if (count === undefined) {
    yield* lines;
    return;
  }
  const kept: LogLine[][] = [];
  const open = new Map<LogLine["stream"], LogLine[]>();
  for await (const line of lines) {
    const begun = open.get(line.stream);
    if (begun === undefined) {
      const pieces = [line];
      kept.push(pieces);
      if (kept.length > count) kept.shift();
      if (line.partial) open.set(line.stream, pieces);
    } else {
      begun.push(line);
      if (!line.partial) open.delete(line.stream);
    }
  }
  yield* kept.flat();
}

function noLog({ state }: Container): StoreError {
  return new StoreError("NOT_FOUND", `logs: ${nameOf(state)}: the container has no log`, {
    hint: "what `run --rm` in the foreground writes goes straight to its terminal; run it with -d",
  });
}
