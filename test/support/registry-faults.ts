import type { IncomingMessage, ServerResponse } from "node:http";

/** What goes wrong with a request. Counts are of body bytes. */
export type Trouble =
  /** Answer this instead; the body is sent as it is. */
  | {
      readonly kind: "reply";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  | { readonly kind: "redirect"; readonly to: string; readonly status?: number }
  /** Close the connection properly after so many bytes, with the full length announced. */
  | { readonly kind: "truncate"; readonly after: number }
  /** Reset the connection (RST). */
  | { readonly kind: "reset"; readonly after: number }
  /** Send no more, keep the connection open. */
  | { readonly kind: "stall"; readonly after: number }
  /** Send so many bytes at a time, with such a pause before each. */
  | { readonly kind: "drip"; readonly bytes: number; readonly everyMs: number }
  /** Invert one byte. */
  | { readonly kind: "flip"; readonly at: number }
  | { readonly kind: "ignore-range" }
  /** Set a header of the answer to something else, or leave it out. */
  | { readonly kind: "header"; readonly name: string; readonly value: string | undefined };

export interface Fault {
  /** Matched against `METHOD /path?query`. */
  readonly on: RegExp;
  /** Which of the matching requests, counted from 1; all by default. */
  readonly occurrences?: readonly number[];
  readonly trouble: Trouble;
}

export type FaultPlan = (line: string) => readonly Trouble[];

/** Counts matching requests per fault and says which troubles apply to this one. */
export function faultPlan(faults: readonly Fault[]): FaultPlan {
  const counts = new Map<Fault, number>();
  return (line) =>
    faults
      .filter((fault) => fault.on.test(line))
      .filter((fault) => {
        const count = (counts.get(fault) ?? 0) + 1;
        counts.set(fault, count);
        return fault.occurrences?.includes(count) ?? true;
      })
      .map((fault) => fault.trouble);
}

/** Applies a trouble to an exchange; true if it has answered the request itself. */
export function apply(trouble: Trouble, request: IncomingMessage, response: ServerResponse): boolean {
  switch (trouble.kind) {
    case "reply":
      response.writeHead(trouble.status, trouble.headers).end(trouble.body);
      return true;
    case "redirect":
      response.writeHead(trouble.status ?? 307, { location: trouble.to, "content-length": 0 }).end();
      return true;
    case "ignore-range":
      delete request.headers.range;
      return false;
    case "header":
      replaceHeader(response, trouble.name, trouble.value);
      return false;
    case "flip":
      flipByte(response, trouble.at);
      return false;
    case "drip":
      dripOut(response, trouble);
      return false;
    case "truncate":
    case "reset":
    case "stall":
      cutAfter(response, trouble.after, trouble.kind);
      return false;
  }
}

function replaceHeader(response: ServerResponse, name: string, value: string | undefined): void {
  const setHeader = response.setHeader.bind(response);
  if (value !== undefined) setHeader(name, value);
  response.setHeader = (key, original) => {
    if (key.toLowerCase() !== name.toLowerCase()) return setHeader(key, original);
    return value === undefined ? response : setHeader(key, value);
  };
}

function flipByte(response: ServerResponse, at: number): void {
  let sent = 0;
  transformWrites(response, (chunk) => {
    const local = at - sent;
    sent += chunk.length;
    if (local < 0 || local >= chunk.length) return chunk;
    const copy = Buffer.from(chunk);
    copy[local] = (copy[local] ?? 0) ^ 0xff;
    return copy;
  });
}

function transformWrites(response: ServerResponse, change: (chunk: Uint8Array) => Uint8Array): void {
  const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
  response.write = ((chunk: Uint8Array) => write(change(chunk))) as typeof response.write;
}

function cutAfter(response: ServerResponse, after: number, how: "truncate" | "reset" | "stall"): void {
  const write = response.write.bind(response) as (chunk: Uint8Array, done?: () => void) => boolean;
  let left = after;
  const cut = (): void => {
    if (how === "reset") response.socket?.resetAndDestroy();
    if (how === "truncate") response.socket?.end();
  };
  response.end = (() => response) as typeof response.end;
  response.write = ((chunk: Uint8Array) => {
    if (left < 0) return true;
    if (chunk.length < left) {
      left -= chunk.length;
      return write(chunk);
    }
    const last = chunk.subarray(0, left);
    left = -1;
    response.flushHeaders();
    // An empty write would never be reported as done.
    if (last.length === 0) setImmediate(cut);
    else write(last, cut);
    return true;
  }) as typeof response.write;
}

function dripOut(response: ServerResponse, { bytes, everyMs }: { bytes: number; everyMs: number }): void {
  const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
  const end = response.end.bind(response);
  const waiting: Uint8Array[] = [];
  let isOver = false;
  const timer = setInterval(() => {
    for (let left = bytes; left > 0 && waiting.length > 0;) {
      const [first = Buffer.of()] = waiting.splice(0, 1);
      write(first.subarray(0, left));
      if (first.length > left) waiting.unshift(first.subarray(left));
      left -= first.length;
    }
    if (waiting.length > 0) return;
    if (isOver) end();
    response.emit("drain");
  }, everyMs);
  response.once("close", () => clearInterval(timer));
  response.write = ((chunk: Uint8Array) => {
    waiting.push(chunk);
    return false;
  }) as typeof response.write;
  response.end = (() => {
    isOver = true;
    return response;
  }) as typeof response.end;
}
