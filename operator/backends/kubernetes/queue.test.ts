import { describe, expect, it } from 'vitest';
import type { WaitReason } from '../backend.ts';
import { runsAgain, suspendedFor, takenBack } from './queue.ts';
import { condition, makeFacts, makeJob, makePod, makeRecord, START, time } from './testing/facts.ts';
import type { Workload } from './workload.ts';

const held = makeJob({ suspend: true, queue: 'gpus', conditions: [condition('Suspended')] });

const workload = (more: Partial<Workload> = {}): Workload => ({
  apiVersion: 'kueue.x-k8s.io/v1beta2',
  kind: 'Workload',
  metadata: { name: 'job-kriptik' },
  ...more,
});

const refused = (reason: string, message: string): Workload =>
  workload({ status: { conditions: [condition('QuotaReserved', { status: 'False', reason, message })] } });

const NO_ROOM =
  "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor any, 1 more needed";
const TOO_LARGE =
  "couldn't assign flavors to pod set main: insufficient quota for nvidia.com/gpu in flavor any, previously considered podsets requests (0) + current podset request (16) > maximum capacity (8)";

const cases: { case: string; says: Workload | undefined; reason: WaitReason; message: RegExp }[] = [
  { case: 'says nothing', says: undefined, reason: 'Queued', message: /kubectl describe workloads/ },
  { case: 'gives no reason', says: workload(), reason: 'Queued', message: /kubectl describe workload job-kriptik/ },
  { case: 'is full', says: refused('Pending', NO_ROOM), reason: 'Queued', message: /1 more needed/ },
  {
    case: 'will never be large enough',
    says: refused('Pending', TOO_LARGE),
    reason: 'QuotaExceeded',
    message: /maximum capacity \(8\)/,
  },
  {
    case: 'is too small in one flavor and full in another',
    says: refused(
      'Pending',
      `${TOO_LARGE}, insufficient unused quota for nvidia.com/gpu in flavor other, 8 more needed`,
    ),
    reason: 'Queued',
    message: /other, 8 more/,
  },
  {
    case: 'is not there',
    says: refused('Inadmissible', "LocalQueue gpus doesn't exist"),
    reason: 'NotReady',
    message: /LocalQueue gpus doesn't exist/,
  },
  {
    case: 'has no quota for something that is asked for',
    says: refused('Pending', "couldn't assign flavors to pod set main: resource memory unavailable in ClusterQueue"),
    reason: 'Unschedulable',
    message: /resource memory unavailable/,
  },
  {
    case: 'gives a reason of its own',
    says: refused('ExceedsMaxQuota', 'in other words'),
    reason: 'QuotaExceeded',
    message: /in other words/,
  },
  {
    case: 'is stopped by its people',
    says: refused('Inadmissible', 'LocalQueue gpus is stopped'),
    reason: 'Queued',
    message: /is stopped/,
  },
  {
    case: 'has put it aside',
    says: workload({ spec: { active: false } }),
    reason: 'NotReady',
    message: /set spec.active of Workload job-kriptik to true/,
  },
];

describe('a Job that its queue holds', () => {
  it.each(cases)('where the queue $case is $reason', ({ says, reason, message }) => {
    const facts = makeFacts({ job: held, ...(says !== undefined && { workload: says }) });
    expect(suspendedFor(facts)).toMatchObject({ reason, since: START + 1000 });
    expect(suspendedFor(facts).message).toMatch(message);
  });
});

describe('a Job whose nodes its queue took back', () => {
  const podOf = (created: number) => {
    const pod = makePod();
    return { ...pod, metadata: { ...pod.metadata, creationTimestamp: time(created) } };
  };
  const running = makeJob({ queue: 'gpus' });
  const record = makeRecord({ billedFrom: START + 10_000 });

  it("ended in the queue's words", () => {
    const says = workload({
      status: {
        conditions: [condition('Evicted', { reason: 'Preempted', message: 'Preempted to accommodate a workload' })],
      },
    });
    const exit = takenBack(makeFacts({ job: held, workload: says }), START);
    expect(exit).toMatchObject({ reason: 'preempted', at: START });
    expect(exit.message).toBe('queue gpus took its nodes back: Preempted to accommodate a workload');
  });

  it('runs again once all of its pods are younger than its first start', () => {
    expect(runsAgain(makeFacts({ job: running, record, pods: [podOf(30)] }))).toBe(true);
    expect(runsAgain(makeFacts({ job: running, record, pods: [podOf(10)] }))).toBe(false);
    expect(runsAgain(makeFacts({ job: running, record, pods: [podOf(10), podOf(30)] }))).toBe(false);
    expect(runsAgain(makeFacts({ job: running, record: makeRecord(), pods: [podOf(30)] }))).toBe(false);
    expect(runsAgain(makeFacts({ job: makeJob(), record, pods: [podOf(30)] }))).toBe(false);
    const noted = makeRecord({ billedFrom: START, exit: { code: null, signal: null, at: START, reason: 'preempted' } });
    expect(runsAgain(makeFacts({ job: running, record: noted, pods: [podOf(30)] }))).toBe(false);
  });
});
