import type { TrainingJob } from '@kriptik/crds';
import { attemptIn } from '../support/attempt-names.ts';
import { type AuditEntry, accepted } from '../support/audit.ts';
import { KUBELET } from '../support/played-kubelet.ts';

/** When a pod held its node. Epoch ms; without an end it still does. */
interface PodSpan {
  readonly pod: string;
  readonly attempt: string;
  readonly from: number;
  readonly until?: number;
}

/**
 * When each pod of an attempt held a node, by the API server's log: from its binding until its kubelet said that it had
 * ended, or let it go.
 */
function podSpans(log: readonly AuditEntry[]): PodSpan[] {
  const ofPods = log.filter((entry) => accepted(entry) && entry.objectRef?.resource === 'pods');
  const bindings = ofPods.filter(({ objectRef }) => objectRef?.subresource === 'binding');
  return bindings.map((binding) => {
    const pod = binding.objectRef?.name ?? '';
    const told = ofPods.filter(({ objectRef, userAgent }) => objectRef?.name === pod && userAgent === KUBELET);
    // First that its trainer runs, then that it ended.
    const [, ended] = told.filter(({ verb, objectRef }) => verb === 'patch' && objectRef?.subresource === 'status');
    const end = ended ?? told.find(({ verb }) => verb === 'delete');
    const from = Date.parse(binding.stageTimestamp);
    return {
      pod,
      attempt: attemptIn(pod)?.name ?? pod,
      from,
      ...(end !== undefined && { until: Date.parse(end.stageTimestamp) }),
    };
  });
}

/** What the API server's log says against a lane's pods. `cost` gives USD for a time in ms. */
export function brokenPods(log: readonly AuditEntry[], limit: number, cost: (ms: number) => number): string[] {
  const spans = podSpans(log);
  const bill = spans.reduce((sum, { from, until = Date.now() }) => sum + cost(until - from), 0);
  return [
    ...atOnce(spans),
    ...spans.filter(({ until }) => until === undefined).map(({ pod }) => `${pod} was never told to have ended`),
    ...(bill > limit ? [`pods held nodes for ${bill.toFixed(6)} USD, ${limit} is the limit`] : []),
    ...madeTwice(log),
    ...whileAtRest(log, spans),
  ];
}

/** One pod at a time, whatever attempts there are; an attempt has no second one. */
function atOnce(spans: readonly PodSpan[]): string[] {
  return spans.flatMap((one, index) =>
    spans.slice(index + 1).flatMap((other) => {
      if (one.attempt === other.attempt) return [`attempt ${one.attempt} had two pods, ${one.pod} and ${other.pod}`];
      const apart = (one.until ?? Infinity) <= other.from || (other.until ?? Infinity) <= one.from;
      return apart ? [] : [`${one.pod} and ${other.pod} held nodes at once`];
    }),
  );
}

/** The Job of an attempt is made once, and never anew under the same name. */
function madeTwice(log: readonly AuditEntry[]): string[] {
  const made = log
    .filter(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'jobs' && !objectRef.subresource)
    .map(({ objectRef }) => objectRef?.name ?? '');
  return made.filter((name, index) => made.indexOf(name) !== index).map((name) => `the Job ${name} was made twice`);
}

/** No pod holds a node at a moment at which its job is said to be at rest. */
function whileAtRest(log: readonly AuditEntry[], spans: readonly PodSpan[]): string[] {
  return log.flatMap(({ objectRef, responseObject, stageTimestamp }) => {
    if (objectRef?.resource !== 'trainingjobs' || objectRef.subresource !== 'status') return [];
    const { status } = responseObject as TrainingJob;
    if (!['Frozen', 'Paused', 'Succeeded', 'Terminated'].includes(status?.phase ?? '')) return [];
    const at = Date.parse(stageTimestamp);
    return spans
      .filter(({ from, until = Infinity }) => from < at && at < until)
      .map(({ pod }) => `${pod} held a node when ${status?.phase} was reported`);
  });
}
