export type Task<T> = (signal: AbortSignal) => Promise<T>;

/**
 * The results of all tasks, in their order. The first failure aborts the others' signal; once they have wound up, it is
 * thrown.
 */
export async function allOrNone<T>(tasks: readonly Task<T>[], signal: AbortSignal): Promise<T[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const running = tasks.map((task) => task(either));
  try {
    return await Promise.all(running);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(running);
    throw error;
  }
}
