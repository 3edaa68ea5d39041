/** Runs at most `most` jobs at a time; the others wait in order. */
export function limiter(most: number): <T>(job: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (job) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      // The place is handed on rather than freed, so that nobody slips in between.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
