/** How many connections one blob is worth, found by trying: twice as many, as long as the last ones have brought something. */
export interface Width {
  /** Bytes have come in, over whichever connection. */
  readonly arrived: (bytes: number) => void;
  /** So long has the reader waited for the network, and not the network for the reader. */
  waited(ms: number): void;
  /**
   * How many connections the last second says should be added, or taken away if negative, with so many bytes of the blob left
   * and so many connections at work.
   */
  verdict(left: number, connections: number): number;
  /** So many have been added. */
  widened(added: number): void;
  /** Measures anew from now on: a connection that was added has only now begun to bring something. */
  restart(): void;
}

export interface WidthOptions {
  /** Milliseconds a measurement takes. */
  readonly measureMs: number;
  /** Bytes per second beyond which not the network is what a pull waits for, but unpacking. */
  readonly fastEnough: number;
  /** With no more bytes left than this, or none that take so many seconds, another connection is not worth its requests. */
  readonly leastLeft: number;
  readonly leastSeconds: number;
  /** Share of its fair part that a new connection must bring: it brings all where each is throttled, nothing on a shared link. */
  readonly leastGain: number;
  /** Most connections for one blob. */
  readonly most: number;
}

/** ADR 8 has the measurements behind these. */
export const widthDefaults: WidthOptions = {
  measureMs: 1000,
  fastEnough: 100_000_000,
  leastLeft: 32 * 1024 * 1024,
  leastSeconds: 2,
  leastGain: 0.4,
  most: 4,
};

export function createWidth(options: WidthOptions = widthDefaults, clock = () => performance.now()): Width {
  let start = clock();
  let bytes = 0;
  let waitedMs = 0;
  let rate = 0;
  /** What there was before the last connections were added, while it is not yet known what they bring. */
  let before: { readonly rate: number; readonly added: number } | undefined;
  let isSettled = false;

  function restart(): void {
    start = clock();
    bytes = 0;
    waitedMs = 0;
  }

  function judge(elapsedMs: number, left: number, connections: number): number {
    rate = (bytes * 1000) / elapsedMs;
    if (before !== undefined) {
      const { added } = before;
      const fairGain = added / Math.max(1, connections - added);
      if (rate < before.rate * (1 + options.leastGain * fairGain)) {
        isSettled = true;
        return -added;
      }
      before = undefined;
    }
    if (waitedMs < elapsedMs / 2 || rate > options.fastEnough) return 0;
    if (left < options.leastLeft || left < rate * options.leastSeconds) return 0;
    return Math.max(0, Math.min(connections, options.most - connections));
  }

  return {
    arrived: (count) => (bytes += count),
    waited: (ms) => (waitedMs += ms),
    verdict(left, connections) {
      const elapsedMs = clock() - start;
      if (isSettled || elapsedMs < options.measureMs) return 0;
      const verdict = judge(elapsedMs, left, connections);
      restart();
      return verdict;
    },
    widened(added) {
      before = { rate, added };
      restart();
    },
    restart,
  };
}
