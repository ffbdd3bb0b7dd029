import type { LayerState } from "../../core/events.js";
import { type Board, type LayerView, type Totals } from "./board.js";
import { shortDigest } from "./digest.js";
import { formatDuration, formatSize } from "./units.js";

/** The terminal a frame is made for. */
export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

export interface FrameOptions extends FrameSize {
  readonly now: number;
  /** Whether the terminal has more than ASCII. */
  readonly unicode: boolean;
}

/** Below this many columns there is no room for a bar. */
const wideColumns = 64;
const longestBar = 30;

// Most interesting first, for when not all layers fit.
const order: readonly LayerState[] = [
  "downloading",
  "verifying",
  "storing",
  "elsewhere",
  "waiting",
  "done",
  "exists",
];

const words: Readonly<Record<LayerState, string>> = {
  waiting: "waiting",
  elsewhere: "another pullrun is fetching it",
  downloading: "downloading",
  verifying: "verifying",
  storing: "storing",
  done: "done",
  exists: "already here",
};
const shortWords: Readonly<Record<LayerState, string>> = {
  ...words,
  elsewhere: "elsewhere",
  exists: "exists",
};

/**
 * A row per layer and a line for all of them, no line wider than the terminal less one column (some wrap at the last
 * one) and no more lines than it has rows less one. Text only: ASCII, and the bar's characters.
 */
export function frame(board: Board, options: FrameOptions): string[] {
  const layers = board.layers();
  const room = Math.max(0, options.rows - 2);
  const all = layers.length <= room;
  const shown = all ? layers : pick(layers, Math.max(0, room - 1));
  const rest = layers.filter((layer) => !shown.includes(layer));
  const lines = [
    ...shown.map((layer) => layerLine(layer, options)),
    ...(rest.length > 0 && room > 0 ? [restLine(rest)] : []),
    totalLine(board.totals(options.now), options),
  ];
  return lines.map((line) => cut(line, options.columns - 1, options.unicode));
}

/** The active ones, in their places. */
function pick(layers: readonly LayerView[], count: number): LayerView[] {
  const ranked = layers.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const chosen = new Set(ranked.slice(0, count));
  return layers.filter((layer) => chosen.has(layer));
}

function layerLine(layer: LayerView, options: FrameOptions): string {
  const { state, done, total } = layer;
  const moving = state === "downloading";
  if (options.columns < wideColumns) {
    const said = moving ? (layer.trouble ?? percentOf(layer)) : shortWords[state];
    return `${shortDigest(layer.digest).slice(0, 8)} ${said}`;
  }
  const name = shortDigest(layer.digest);
  if (layer.trouble !== undefined && moving) return `${name}  ${layer.trouble}`;
  if (state === "elsewhere") return `${name}  ${words[state]}`;
  const size = moving ? `${formatSize(done)}/${formatSize(total)}` : formatSize(total);
  const rate = moving ? `${formatSize(layer.rate(options.now))}/s` : "";
  return `${name}  ${words[state].padEnd(12)} ${bar(layer, options)}  ${size.padEnd(15)} ${rate}`.trimEnd();
}

/** 12 digest + 2 + 12 state + 1 + bar + 2 + 15 sizes + 1 + 8 rate, and a free column. */
function bar({ done, total, state }: LayerView, { columns, unicode }: FrameOptions): string {
  const width = Math.min(longestBar, columns - 54);
  const full = Math.round(width * Math.min(1, total === 0 ? Number(state === "done") : done / total));
  const [filled, empty] = unicode ? ["━", "─"] : ["#", "-"];
  return filled.repeat(full) + empty.repeat(width - full);
}

function restLine(rest: readonly LayerView[]): string {
  const groups = order.flatMap((state) => {
    const count = rest.filter((layer) => layer.state === state).length;
    return count === 0 ? [] : [`${count} ${shortWords[state]}`];
  });
  return `+${rest.length} more: ${groups.join(", ")}`;
}

function totalLine(totals: Totals, { columns }: FrameOptions): string {
  const { layers, finished, done, total, rate, secondsLeft } = totals;
  const left = secondsLeft === undefined ? "" : formatDuration(secondsLeft * 1000);
  if (columns < wideColumns) {
    return [`${finished}/${layers}`, percentOf(totals), left].filter((part) => part !== "").join(" ");
  }
  return [
    `${finished}/${layers} layers`,
    `${formatSize(done)}/${formatSize(total)}`,
    ...(rate >= 1 ? [`${formatSize(rate)}/s`] : []),
    ...(left === "" ? [] : [`${left} left`]),
  ].join("  ");
}

function percentOf({ done, total }: Pick<LayerView, "done" | "total">): string {
  return `${Math.floor((100 * done) / Math.max(1, total))}%`;
}

function cut(line: string, width: number, unicode: boolean): string {
  if (line.length <= width) return line;
  if (width <= 0) return "";
  return unicode ? `${line.slice(0, width - 1)}…` : line.slice(0, width);
}
