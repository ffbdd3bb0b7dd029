import { interruptibleSleep } from "../../core/interruptible-sleep.js";
import type { Context } from "../context.js";
import type { Container } from "./container.js";
import { allContainers, findContainer } from "./find.js";
import { nameOf } from "./names.js";
import { usageOf, type Usage } from "./usage.js";

export interface StatsRequest {
  /** Ids or names; every running container without. */
  readonly words: readonly string[];
  /** Without words: stopped ones too. */
  readonly all: boolean;
}

export interface ContainerStats extends Usage {
  readonly id: string;
  readonly name: string;
  /** Of one CPU, over the last second. */
  readonly cpuPercent: number;
}

const intervalMs = 1000;
const nothing: Usage = {
  cpuSeconds: 0,
  memory: 0,
  memoryLimit: 0,
  received: 0,
  sent: 0,
  read: 0,
  written: 0,
  pids: 0,
};

interface Sample {
  readonly usage: Usage;
  readonly at: number;
}

/** A list every second, for ever: a container that has ended is left out, or has zeros if it was named. */
export async function* containerStats(
  context: Context,
  request: StatsRequest,
): AsyncGenerator<readonly ContainerStats[]> {
  let before = new Map<string, Sample>();
  for (let first = true; ; first = false) {
    const containers = await chosen(context, request);
    const now = new Map<string, Sample>();
    for (const container of containers) now.set(container.id, await sample(container));
    // A share takes two looks.
    if (!first) yield containers.map((container) => statsOf(container, before.get(container.id), now));
    before = now;
    await interruptibleSleep(intervalMs, context.signal);
  }
}

async function chosen(context: Context, { words, all }: StatsRequest): Promise<readonly Container[]> {
  if (words.length > 0) return Promise.all(words.map((word) => findContainer(context, word)));
  return (await allContainers(context)).filter(({ pid }) => all || pid !== 0);
}

async function sample(container: Container): Promise<Sample> {
  return { usage: container.pid === 0 ? nothing : await usageOf(container), at: Date.now() };
}

function statsOf(
  { id, state }: Container,
  before: Sample | undefined,
  samples: ReadonlyMap<string, Sample>,
): ContainerStats {
  const { usage, at } = samples.get(id) ?? { usage: nothing, at: 0 };
  const used = usage.cpuSeconds - (before?.usage.cpuSeconds ?? usage.cpuSeconds);
  const seconds = (at - (before?.at ?? 0)) / 1000;
  return { id, name: nameOf(state), ...usage, cpuPercent: Math.max(0, used / seconds) * 100 };
}
