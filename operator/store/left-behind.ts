import { type MetricPoint, metricPoint } from '../trainer/messages.ts';
import { type AttemptResult, attemptResult } from '../trainer/result.ts';

/** Longer results and longer tails of the history are not read. */
export const MAX_RESULT_BYTES = 256 * 1024;
export const MAX_METRICS_TAIL_BYTES = 4 * 1024 * 1024;

/** Whether an attempt's name is one that may stand in a path. */
export const isAttemptName = (attempt: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(attempt);

/** The text of a result.json; undefined where it is not one of this attempt. */
export const decodeResult = (text: string, attempt: string): AttemptResult | undefined => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = attemptResult.safeParse(json);
  return parsed.success && parsed.data.attempt === attempt ? parsed.data : undefined;
};

/** The last `limit` points of lines of metrics.jsonl. Half a line, of a trainer that is writing, is left out. */
export const decodePoints = (lines: readonly string[], limit: number): MetricPoint[] => {
  if (limit <= 0) return [];
  const points: MetricPoint[] = [];
  for (const line of lines.slice(-limit - 1)) {
    try {
      const parsed = metricPoint.safeParse(JSON.parse(line));
      if (parsed.success) points.push(parsed.data);
    } catch {
      // The empty text after the last line end, or half a line.
    }
  }
  return points.slice(-limit);
};
