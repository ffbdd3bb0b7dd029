import { jsonText } from "./json.js";
import type { Progress } from "./lines.js";

export interface EventLineOptions {
  /** Milliseconds, steady. */
  clock(): number;
  print(line: string): void;
}

/** A layer's byte counts come with every few kilobytes; a reader wants to know some times a second. */
const leastMs = 250;

/** Every event as one line of JSON; of a layer's byte counts as many as are of use. */
export function startEventLines({ clock, print }: EventLineOptions): Progress {
  const told = new Map<string, { readonly state: string; readonly at: number }>();
  return {
    emit(event) {
      if (event.type === "layer") {
        const last = told.get(event.digest);
        const now = clock();
        if (last?.state === event.state && now - last.at < leastMs) return;
        told.set(event.digest, { state: event.state, at: now });
      }
      print(jsonText(event));
    },
    stop: () => undefined,
  };
}
