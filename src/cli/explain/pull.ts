import type { Invocation } from "../command.js";
import type { Progress } from "../render/lines.js";
import type { ExplainFormat } from "./explanation.js";
import { formatExplanation } from "./format.js";
import { createRecorder, hostClock, type Recorder } from "./record.js";

/** In the place of a pull's progress: all is told at the end, also where it failed. */
export function explainPull(
  { note }: Invocation,
  format: ExplainFormat,
): Progress & Pick<Recorder, "onExchange"> {
  const { emit, onExchange, explanation } = createRecorder(hostClock);
  let told = false;
  return {
    emit,
    onExchange,
    stop() {
      if (!told) note(formatExplanation(explanation("pull"), format));
      told = true;
    },
  };
}
