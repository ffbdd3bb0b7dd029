/** A line of a container's log, or a piece of one that was too long or not ended: the format of CRI, kubelet's own. */
export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** Bytes as they were written, with the newline they ended in, if it is here. */
  readonly text: Buffer;
  /** Whether the next line of the same stream goes on with this one. */
  readonly partial: boolean;
}

const newline = 0x0a;
const space = 0x20;

/** Makes lines of bytes that come in whatever pieces; the rest of the last piece waits for the next. */
export function createLogParser(): (bytes: Buffer) => LogLine[] {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const lines: LogLine[] = [];
    let from = 0;
    for (let end = all.indexOf(newline); end >= 0; end = all.indexOf(newline, from)) {
      const line = parseLine(all.subarray(from, end + 1));
      if (line !== undefined) lines.push(line);
      from = end + 1;
    }
    rest = all.subarray(from);
    return lines;
  };
}

/** `TIME stdout|stderr F|P TEXT`; undefined for what a crash has cut. */
function parseLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  const third = line.indexOf(space, second + 1);
  if (first < 0 || second < 0 || third !== second + 2) return undefined;
  const stream = line.toString("latin1", first + 1, second);
  const flag = line.toString("latin1", second + 1, third);
  if ((stream !== "stdout" && stream !== "stderr") || (flag !== "F" && flag !== "P")) return undefined;
  const partial = flag === "P";
  const text = line.subarray(third + 1, partial ? -1 : undefined);
  return { time: line.toString("latin1", 0, first), stream, text, partial };
}
