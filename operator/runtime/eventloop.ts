import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from './clock.ts';
import type { RuntimeMetrics } from './metrics.ts';

/**
 * Exports the longest event loop delay of each interval: a blocked loop cannot renew a lease. Runs until aborted.
 */
export async function exportEventLoopDelay(
  metrics: RuntimeMetrics,
  clock: Clock,
  signal: AbortSignal,
  intervalMs = 5_000,
): Promise<void> {
  const histogram = monitorEventLoopDelay({ resolution: 20 });
  histogram.enable();
  try {
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal);
      metrics.eventLoopDelay.set(histogram.max / 1e9);
      histogram.reset();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    histogram.disable();
  }
}
