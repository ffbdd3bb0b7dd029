import { jsonText } from "../render/json.js";
import { phases, type Explanation, type ExplainStep, type Phase } from "./explanation.js";

const pid = 1;

/** Who a row of the trace belongs to. */
const groupOf = (phase: Phase): string => {
  const index = phases.indexOf(phase);
  if (phase === "exec") return "program";
  if (phase === "notice" || index <= phases.indexOf("resolve")) return "pullrun";
  if (index <= phases.indexOf("blob")) return "requests";
  if (index <= phases.indexOf("store")) return "layers";
  return index <= phases.indexOf("prepare") ? "pullrun" : "helper";
};

interface Row {
  readonly tid: number;
  readonly group: string;
  end: number;
}

/** Chrome's trace event format, times in microseconds. Steps whose time is not known are left out: they have no place. */
export function traceOf({ command, steps, exitStatus }: Explanation): string {
  const rows: Row[] = [];
  const events = steps.flatMap((step) =>
    step.at === undefined ? [] : [eventOf(rows, { ...step, at: step.at })],
  );
  const names = rows.map(({ tid, group }) => ({
    ph: "M",
    pid,
    tid,
    name: "thread_name",
    args: { name: group },
  }));
  const process = { ph: "M", pid, tid: 0, name: "process_name", args: { name: `pullrun ${command}` } };
  const trace = {
    displayTimeUnit: "ms",
    ...(exitStatus === undefined ? {} : { otherData: { exitStatus } }),
    traceEvents: [process, ...names, ...events],
  };
  return jsonText(trace);
}

function eventOf(rows: Row[], { phase, what, at, ms = 0 }: ExplainStep & { readonly at: number }): object {
  const { tid } = rowFor(rows, { group: groupOf(phase), at, ms });
  return { ph: "X", pid, tid, ts: at * 1000, dur: ms * 1000, name: what, cat: phase };
}

/** One where nothing else is going on: events of a row may not overlap. */
function rowFor(
  rows: Row[],
  { group, at, ms }: { readonly group: string; readonly at: number; readonly ms: number },
): Row {
  let row = rows.find((one) => one.group === group && one.end <= at);
  if (row === undefined) rows.push((row = { tid: rows.length + 1, group, end: 0 }));
  row.end = at + ms;
  return row;
}
