import { afterEach, beforeEach, describe, expect, test, vi, onTestFinished } from "vitest";
import type { PullEvent } from "../../src/core/events.js";
import { createBoard } from "../../src/cli/render/board.js";
import { startEventLines } from "../../src/cli/render/event-lines.js";
import { frame } from "../../src/cli/render/frame.js";
import { startLive, type Spinner } from "../../src/cli/render/live.js";
import { startPlain } from "../../src/cli/render/plain.js";
import { fakeTerminal } from "./terminal.js";
import {
  building,
  digestAt,
  layer,
  pulled,
  resolved,
  resolving,
  retry,
  smallPull,
  warning,
} from "./pull-events.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const clock = (): number => Date.now();

/** A board after these events, one second apart. */
function boardAfter(events: readonly PullEvent[]) {
  const board = createBoard();
  events.forEach((event, i) => board.apply(event, i * 1000));
  return { board, now: (events.length - 1) * 1000 };
}

function frameAfter(
  events: readonly PullEvent[],
  size: { readonly columns: number; readonly rows: number; readonly unicode?: boolean },
): string[] {
  const { board, now } = boardAfter(events);
  return frame(board, { now, unicode: true, ...size });
}

describe("the board", () => {
  test("sums layers, once however many images share them, and tells what came in from what was there", () => {
    const { board, now } = boardAfter([
      resolved([1000, 4000]),
      resolved([1000]),
      layer(0, "exists", { done: 1000, fetched: 0 }),
      layer(1, "downloading", { done: 1000, total: 4000, fetched: 0 }),
      layer(1, "downloading", { done: 3000, total: 4000, fetched: 2000 }),
    ]);
    expect(board.layers()).toHaveLength(2);
    expect(board.totals(now)).toMatchObject({
      layers: 2,
      finished: 1,
      done: 4000,
      total: 5000,
      fetched: 2000,
    });
  });

  test("counts a resumed download's old bytes neither in the rate nor in the time left", () => {
    const board = createBoard();
    board.apply(resolved([10_000]), 0);
    board.apply(layer(0, "downloading", { done: 6000, total: 10_000, fetched: 0 }), 0);
    expect(board.totals(100)).toMatchObject({ rate: 0, secondsLeft: undefined });
    for (let second = 1; second <= 3; second++) {
      const fetched = second * 1000;
      board.apply(layer(0, "downloading", { done: 6000 + fetched, total: 10_000, fetched }), second * 1000);
    }
    const { rate, secondsLeft } = board.totals(3000);
    expect(rate).toBeGreaterThan(900);
    expect(rate).toBeLessThan(1600);
    expect(secondsLeft).toBeCloseTo(1000 / rate);
  });

  test("a download that stalls loses its rate, and its time left", () => {
    const { board, now } = boardAfter([
      resolved([4000]),
      layer(0, "downloading", { done: 2000, total: 4000 }),
    ]);
    expect(board.totals(now + 20_000)).toMatchObject({ rate: 0, secondsLeft: undefined });
  });

  test("bad bytes thrown away go back", () => {
    const { board, now } = boardAfter([
      resolved([4000]),
      layer(0, "downloading", { done: 4000, total: 4000 }),
      layer(0, "downloading", { done: 0, total: 4000, fetched: 4000 }),
    ]);
    expect(board.totals(now)).toMatchObject({ done: 0, fetched: 4000 });
  });
});

describe("a frame", () => {
  const midway = [
    resolved([1_000_000, 50_000_000, 8000, 9000, 7000]),
    layer(0, "exists", { done: 1_000_000, total: 1_000_000, fetched: 0 }),
    layer(1, "downloading", { total: 50_000_000 }),
    layer(1, "downloading", { done: 20_000_000, total: 50_000_000 }),
    layer(2, "elsewhere", { total: 8000 }),
    layer(3, "verifying", { done: 9000, total: 9000 }),
  ];

  test("has a row per layer with state, bytes and rate, and a total with the time left", () => {
    expect(frameAfter(midway, { columns: 80, rows: 24 })).toEqual([
      "000000000000  already here ━━━━━━━━━━━━━━━━━━━━━━━━━━  1MB",
      "010101010101  downloading  ━━━━━━━━━━────────────────  20MB/50MB       6.67MB/s",
      "020202020202  another pullrun is fetching it",
      "030303030303  verifying    ━━━━━━━━━━━━━━━━━━━━━━━━━━  9kB",
      "040404040404  waiting      ──────────────────────────  7kB",
      "1/5 layers  21MB/51MB  6.67MB/s  4.5s left",
    ]);
  });

  test("at 20 columns says what fits, in whole words", () => {
    expect(frameAfter(midway, { columns: 20, rows: 24 })).toEqual([
      "00000000 exists",
      "01010101 40%",
      "02020202 elsewhere",
      "03030303 verifying",
      "04040404 waiting",
      "1/5 41% 4.5s",
    ]);
  });

  test("is ASCII where the locale is", () => {
    const lines = frameAfter(midway, { columns: 80, rows: 24, unicode: false });

    expect(lines.join("")).toMatch(/^[\x20-\x7e]+$/);
    expect(lines[1]).toContain("##########----------------");
  });

  test("with more layers than rows shows the active ones and counts the others", () => {
    expect(frameAfter(midway, { columns: 80, rows: 5 })).toEqual([
      "010101010101  downloading  ━━━━━━━━━━────────────────  20MB/50MB       6.67MB/s",
      "030303030303  verifying    ━━━━━━━━━━━━━━━━━━━━━━━━━━  9kB",
      "+3 more: 1 elsewhere, 1 waiting, 1 exists",
      "1/5 layers  21MB/51MB  6.67MB/s  4.5s left",
    ]);
  });

  test("shows a retry's cause and pause until the next byte", () => {
    const events = [resolved([4000]), layer(0, "downloading", { done: 1000, total: 4000 }), retry(0)];
    expect(frameAfter(events, { columns: 80, rows: 24 })[0]).toBe("000000000000  reset, again in 1.3s");
    const going = [...events, layer(0, "downloading", { done: 2000, total: 4000 })];
    expect(frameAfter(going, { columns: 80, rows: 24 })[0]).toContain("2kB/4kB");
  });

  test.each([1, 2, 5, 20, 40, 63, 64, 80, 200])(
    "never fills the last of %i columns, nor the last row",
    (columns) => {
      const sizes = Array.from({ length: 40 }, (_, i) => 10 ** (i % 11));
      const states = ["downloading", "elsewhere", "storing", "exists", "waiting"] as const;
      const events = sizes.map((total, i) => layer(i, states[i % 5] ?? "done", { done: total / 3, total }));
      for (const rows of [1, 2, 3, 10, 100]) {
        const lines = frameAfter([resolved(sizes), ...events], { columns, rows });
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(columns);
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
      }
    },
  );
});

interface Saying extends Spinner {
  readonly said: string[];
}

function silentSpinner(): Saying {
  const said: string[] = [];
  return { said, say: (text) => said.push(text), clear: () => undefined };
}

function live(columns = 80, rows = 24) {
  const terminal = fakeTerminal(columns, rows);
  const spinner = silentSpinner();
  const progress = startLive({ terminal, unicode: true, board: createBoard(), spinner, clock });
  const emit = (events: readonly PullEvent[]): void => {
    for (const event of events) {
      vi.advanceTimersByTime(400);
      progress.emit(event);
    }
  };
  return { terminal, spinner, progress, emit };
}

const listened = ["exit", "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const listeners = (): number[] => listened.map((name) => process.listenerCount(name));

describe("on a terminal", () => {
  test("rows come and go; a line per image and one for all of it stay", () => {
    const before = listeners();
    const { terminal, spinner, progress, emit } = live();
    emit(smallPull.slice(0, 7));
    expect(terminal.text()).toEqual([
      "docker.io/library/app:latest: 2 layers, 5kB",
      "000000000000  already here ━━━━━━━━━━━━━━━━━━━━━━━━━━  1kB",
      "010101010101  downloading  ──────────────────────────  0B/4kB          0B/s",
      "1/2 layers  1kB/5kB",
      "",
    ]);
    expect(terminal.cursorShown).toBe(false);
    emit(smallPull.slice(7));
    progress.stop();
    expect(terminal.text()).toEqual([
      "docker.io/library/app:latest: 2 layers, 5kB",
      "fetched 4kB in 4.8s",
      "",
    ]);
    expect(terminal.cursorShown).toBe(true);
    expect(spinner.said).toEqual(["resolving docker.io/library/app:latest", "building the root file system"]);
    expect(listeners()).toEqual(before);
    const count = terminal.written.length;
    progress.stop();
    vi.advanceTimersByTime(5000);
    expect(terminal.written).toHaveLength(count);
  });

  test("made narrower, wider and lower in the middle, no row is left behind", () => {
    const { terminal, progress, emit } = live(80, 24);
    emit([resolved([1000, 4000, 4000]), layer(0, "downloading"), layer(1, "downloading", { total: 4000 })]);
    for (const [columns, rows] of [
      [30, 24],
      [20, 24],
      [120, 24],
      [64, 24],
      [80, 5],
    ] as const) {
      terminal.resize(columns, rows);
      vi.advanceTimersByTime(300);
    }
    expect(terminal.text()).toEqual([
      "docker.io/library/app:latest: 3 layers, 9kB",
      "000000000000  downloading  ──────────────────────────  0B/1kB          0B/s",
      "010101010101  downloading  ──────────────────────────  0B/4kB          0B/s",
      "020202020202  waiting      ──────────────────────────  4kB",
      "0/3 layers  0B/9kB",
      "",
    ]);
    progress.stop();
    expect(terminal.text()).toEqual(["docker.io/library/app:latest: 3 layers, 9kB", ""]);
  });

  test("a warning stays above the rows", () => {
    const { terminal, progress, emit } = live();
    emit([resolved([1000]), layer(0, "downloading"), warning, layer(0, "downloading", { done: 500 })]);
    vi.advanceTimersByTime(200);
    expect(terminal.text().slice(0, 3)).toEqual([
      "docker.io/library/app:latest: 1 layer, 1kB",
      "warning: the image is for linux/arm64, not linux/amd64",
      expect.stringMatching(/^000000000000 {2}downloading/),
    ]);
    progress.stop();
  });

  test.each(["SIGINT", "SIGTERM", "exit"] as const)("%s leaves the cursor shown and no rows", (name) => {
    const before = listeners();
    const { terminal, progress, emit } = live();
    emit([resolved([1000]), layer(0, "downloading", { done: 500 })]);
    expect(terminal.cursorShown).toBe(false);
    // Only what we listen with: the process that runs the tests must live.
    const own = process.listeners(name as "exit").at(-1) as () => void;
    own();
    expect(terminal.cursorShown).toBe(true);
    expect(terminal.text()).toEqual(["docker.io/library/app:latest: 1 layer, 1kB", ""]);
    emit([layer(0, "downloading", { done: 600 })]);
    progress.stop();
    expect(terminal.text()).toEqual(["docker.io/library/app:latest: 1 layer, 1kB", ""]);
    expect(listeners()).toEqual(before);
  });

  test("while Ctrl-Z has it stopped the cursor is shown, for the shell", () => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    onTestFinished(() => kill.mockRestore());
    const { terminal, progress, emit } = live();
    emit([resolved([1000]), layer(0, "downloading", { done: 500 })]);
    (process.listeners("SIGTSTP").at(-1) as () => void)();
    expect(terminal.cursorShown).toBe(true);
    expect(kill).toHaveBeenCalledWith(process.pid, "SIGSTOP");
    (process.listeners("SIGCONT").at(-1) as () => void)();
    expect(terminal.cursorShown).toBe(false);
    progress.stop();
    expect([process.listenerCount("SIGTSTP"), process.listenerCount("SIGCONT")]).toEqual([0, 0]);
  });
});

describe("in a log", () => {
  function plain(events: readonly PullEvent[]): string[] {
    const lines: string[] = [];
    const progress = startPlain({ board: createBoard(), clock, print: (line) => lines.push(line) });
    for (const event of events) {
      vi.advanceTimersByTime(400);
      progress.emit(event);
    }
    progress.stop();
    return lines;
  }

  test("there is a line per layer and state, and no escape code", () => {
    expect(plain([...smallPull.slice(0, -1), warning, pulled])).toEqual([
      "pulling docker.io/library/app:latest",
      `docker.io/library/app:latest: 2 layers, 5kB, ${digestAt(200)}`,
      "layer 000000000000: already here",
      "layer 010101010101: downloading 4kB",
      "layer 010101010101: verifying",
      "layer 010101010101: done",
      "building the root file system",
      "warning: the image is for linux/arm64, not linux/amd64",
      "fetched 4kB in 5.2s",
    ]);
  });

  test("a long download shows every 10 s how far it is, a stalled one too", () => {
    const lines: string[] = [];
    const progress = startPlain({ board: createBoard(), clock, print: (line) => lines.push(line) });
    progress.emit(resolved([100_000, 1000]));
    progress.emit(layer(0, "elsewhere"));
    for (let done = 0; done <= 40_000; done += 100) {
      vi.advanceTimersByTime(50);
      progress.emit(layer(1, "downloading", { done, total: 100_000 }));
    }
    vi.advanceTimersByTime(20_000);
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(lines.slice(1)).toEqual([
      "layer 000000000000: another pullrun is fetching it",
      "layer 010101010101: downloading 100kB",
      expect.stringMatching(/^0\/2 layers, 19\.\dkB of 101kB, [12]\.?\d*kB\/s, \d+s left$/),
      expect.stringMatching(/^0\/2 layers, 39\.\dkB of 101kB, [12]\.?\d*kB\/s, \d+s left$/),
      "0/2 layers, 40kB of 101kB, 0B/s",
      "0/2 layers, 40kB of 101kB, 0B/s",
    ]);
  });

  test("a failed pull has no summary, one with nothing to fetch says so", () => {
    expect(plain([resolving, resolved([1000])]).at(-1)).toMatch(/^docker\.io/);
    const exists = layer(0, "exists", { done: 1000, fetched: 0 });
    expect(plain([resolving, resolved([1000]), exists, pulled]).at(-1)).toBe(
      "nothing to fetch, done in 1.2s",
    );
  });

  test("a retry names what, why and when", () => {
    expect(plain([retry(1)])).toEqual([
      `blob ${digestAt(1)} of docker.io/library/app: reset, trying again in 1.3s (1)`,
    ]);
  });
});

describe("as JSON", () => {
  test("every event is one line, but of byte counts no more than four a second", () => {
    const lines: string[] = [];
    const progress = startEventLines({ clock, print: (line) => lines.push(line) });
    progress.emit(resolving);
    for (let done = 0; done <= 1000; done++) {
      vi.advanceTimersByTime(1);
      progress.emit(layer(0, "downloading", { done }));
    }
    progress.emit(layer(0, "verifying", { done: 1000 }));
    progress.emit(building);
    progress.stop();
    const events = lines.map((line) => JSON.parse(line) as PullEvent);
    expect(events[0]).toEqual(resolving);
    expect(events.slice(-2)).toEqual([layer(0, "verifying", { done: 1000 }), building]);
    expect(events.filter((event) => event.type === "layer" && event.state === "downloading")).toHaveLength(5);
    expect(lines.every((line) => !line.includes("\n"))).toBe(true);
  });
});
