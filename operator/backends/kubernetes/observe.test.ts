import { describe, expect, it } from 'vitest';
import type { Instance, InstanceExit } from '../backend.ts';
import type { Facts } from './facts.ts';
import { instanceOf, leftOver } from './observe.ts';
import {
  condition,
  deleted,
  ended,
  makeFacts,
  makeJob,
  makeNode,
  makePod,
  makeRecord,
  onNode,
  running,
  START,
  time,
} from './testing/facts.ts';
import { wantedOf } from './wanted.ts';

const NOW = START + 100_000;
const see = (facts: Facts): Instance | undefined =>
  instanceOf(facts, {
    wanted: wantedOf(facts.job, { spec: {} }),
    endpointOf: ({ status }) => (status?.podIP === undefined ? undefined : `http://${status.podIP}:8080`),
    now: NOW,
  });

const job = makeJob();
const failedJob = makeJob({ conditions: [condition('Failed', { reason: 'PodFailurePolicy' })] });
const deleting = makeJob({ deleted: true });
const ENDED: InstanceExit = { code: 10, signal: null, at: NOW - 2_000, reason: 'terminated' };

describe('an attempt', () => {
  it.each<{ case: string; facts: Facts; want: Partial<Instance> | undefined }>([
    { case: 'of which nothing is there is verified absent', facts: makeFacts(), want: undefined },
    {
      case: 'whose launch did not come to its Job has not begun',
      facts: makeFacts({ record: makeRecord() }),
      want: undefined,
    },
    {
      case: 'whose pods have no node waits and costs nothing',
      facts: makeFacts({ job, pods: [makePod()] }),
      want: { state: 'queued' },
    },
    {
      case: 'with a node is billed from then on',
      facts: makeFacts({ job, pods: [onNode({ waiting: { reason: 'ContainerCreating' } })] }),
      want: { state: 'starting', billedFrom: START + 10_000 },
    },
    {
      case: 'runs with its control server',
      facts: makeFacts({ job, pods: [running()] }),
      want: {
        state: 'running',
        endpoint: 'http://10.0.0.1:8080',
        startedAt: START + 20_000,
        billedFrom: START + 10_000,
      },
    },
    {
      case: 'of two machines starts until its first pod runs',
      facts: makeFacts({ job: makeJob({ completions: 2 }), pods: [makePod(0), running(1)] }),
      want: { state: 'starting', billedFrom: START + 10_000 },
    },
    {
      case: 'of two machines runs once its first pod does',
      facts: makeFacts({ job: makeJob({ completions: 2 }), pods: [running(0), makePod(1)] }),
      want: { state: 'running', endpoint: 'http://10.0.0.1:8080' },
    },
    {
      case: 'whose Job is gone runs on as long as a pod does',
      facts: makeFacts({ pods: [deleted(running())], record: makeRecord({ created: 'uid', stoppedAt: START }) }),
      want: { state: 'running' },
    },
    {
      case: 'whose Job failed runs on as long as a pod does',
      facts: makeFacts({ job: failedJob, pods: [ended(1, {}, 1), deleted(running(0))] }),
      want: { state: 'running' },
    },
    {
      case: 'on a node that does not answer is not gone',
      facts: makeFacts({ job: deleting, pods: [deleted(running())], nodeList: [makeNode('node-1', 'Unknown')] }),
      want: { state: 'running', waiting: expect.objectContaining({ reason: 'NodeLost' }) },
    },
    {
      case: 'that is forgotten is absent, whatever is still being removed',
      facts: makeFacts({ job: deleting, pods: [ended(0)], record: makeRecord({ created: 'uid', released: true }) }),
      want: undefined,
    },
    {
      case: 'that is forgotten but runs is not absent',
      facts: makeFacts({ pods: [running()], record: makeRecord({ created: 'uid', released: true }) }),
      want: { state: 'running' },
    },
    {
      case: 'that was deleted with all its pods is known by its record',
      facts: makeFacts({ record: makeRecord({ created: 'uid', stoppedAt: START, billedFrom: START + 10_000 }) }),
      want: {
        state: 'exited',
        billedFrom: START + 10_000,
        job: { namespace: 'team-a', name: 'helpdesk', uid: 'uid-1' },
        exit: { code: null, signal: null, at: NOW, reason: 'terminated' },
      },
    },
    {
      case: 'keeps the end that was written down',
      facts: makeFacts({
        record: makeRecord({ created: 'uid', exit: { code: 10, signal: null, at: START, reason: 'terminated' } }),
      }),
      want: { exit: { code: 10, signal: null, at: START, reason: 'terminated' } },
    },
    {
      case: 'whose one pod has ended is over, though the Job does not say so yet',
      facts: makeFacts({ job, pods: [ended(0)] }),
      want: { state: 'exited' },
    },
    {
      case: 'that was seen to have ended stays so though its pods go before its Job',
      facts: makeFacts({ job: deleting, record: makeRecord({ created: 'uid', stoppedAt: NOW - 1_000, exit: ENDED }) }),
      want: { state: 'exited', exit: ENDED },
    },
    {
      case: 'whose pods ended when its queue suspended it was preempted already before they are gone',
      facts: makeFacts({ job: makeJob({ suspend: true, queue: 'gpus' }), pods: [deleted(ended(10))] }),
      want: {
        state: 'exited',
        exit: {
          code: 10,
          signal: null,
          at: START + 50_000,
          reason: 'preempted',
          message: 'queue gpus took its nodes back',
        },
      },
    },
    {
      case: 'that its queue took back is over only once its Job is gone',
      facts: makeFacts({
        job: deleting,
        record: makeRecord({ created: 'uid', stoppedAt: NOW - 1_000, exit: { ...ENDED, reason: 'preempted' } }),
      }),
      want: { state: 'queued' },
    },
    {
      case: 'whose deleted Job is only kept by the finalizer of somebody else is over',
      facts: makeFacts({ job: deleting, record: makeRecord({ created: 'uid', stoppedAt: NOW - 6_000 }) }),
      want: { state: 'exited', exit: { code: null, signal: null, at: NOW, reason: 'terminated' } },
    },
    {
      case: 'whose Job was deleted a moment ago may still get a pod',
      facts: makeFacts({ job: deleting, record: makeRecord({ created: 'uid', stoppedAt: NOW - 1_000 }) }),
      want: { state: 'queued' },
    },
    {
      case: 'of two machines is not over with one of its pods',
      facts: makeFacts({ job: makeJob({ completions: 2 }), pods: [ended(0)] }),
      want: { state: 'starting' },
    },
  ])('$case', ({ facts, want }) => {
    if (want === undefined) expect(see(facts)).toBeUndefined();
    else expect(see(facts)).toMatchObject(want);
  });

  it('that never came to its Job is cleared away by the sweep', () => {
    expect(leftOver(makeFacts({ record: makeRecord() }), NOW)).toMatchObject({
      state: 'exited',
      exit: { reason: 'neverStarted' },
    });
    expect(leftOver(makeFacts({ record: makeRecord({ released: true }) }), NOW)).toBeUndefined();
    expect(leftOver(makeFacts({ job, record: makeRecord() }), NOW)).toBeUndefined();
  });
});

const disrupted = (reason: string, message = 'said the cluster') =>
  onNode(
    { terminated: { exitCode: 143, finishedAt: time(50) } },
    { conditions: [condition('DisruptionTarget', { reason, message })] },
  );
const killedByKubelet = (reason: string) =>
  makePod(
    0,
    {
      phase: 'Failed',
      reason,
      message: 'The node was low on resource: memory.',
      conditions: [condition('PodScheduled')],
    },
    'node-1',
  );
const summary = {
  protocol: 1,
  outcome: 'failed',
  exitCode: 20,
  step: 3,
  error: { code: 'modelMissing', message: 'no model there', where: null, remedy: null },
};
const deadlineJob = makeJob({
  conditions: [
    condition('Failed', { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }),
  ],
});

const failedBy = (message: string) =>
  makeJob({ conditions: [condition('Failed', { reason: 'PodFailurePolicy', message })] });

describe('how it ended', () => {
  it.each<{ case: string; facts: Facts; want: Partial<InstanceExit> }>([
    {
      case: 'by itself, well',
      facts: makeFacts({ job, pods: [ended(0)] }),
      want: { code: 0, signal: null, reason: 'exited', at: START + 50_000 },
    },
    {
      case: 'by itself, with the error that the trainer left behind',
      facts: makeFacts({ job, pods: [ended(20, { message: JSON.stringify(summary) })] }),
      want: { code: 20, reason: 'exited', message: 'no model there' },
    },
    {
      case: 'by a fault, with the last line of its log',
      facts: makeFacts({ job, pods: [ended(1, { message: 'Traceback\nImportError: no torch\n' })] }),
      want: { code: 1, reason: 'exited', message: 'ImportError: no torch' },
    },
    {
      case: 'by the kernel, out of memory',
      facts: makeFacts({ job, pods: [ended(137, { reason: 'OOMKilled' })] }),
      want: { code: null, signal: 'SIGKILL', reason: 'memoryLimit', message: expect.stringContaining('limit of 16Gi') },
    },
    {
      case: 'by a signal',
      facts: makeFacts({ job, pods: [ended(139)] }),
      want: { code: null, signal: 'SIGSEGV', reason: 'exited' },
    },
    {
      case: 'by a program that could not be started',
      facts: makeFacts({ job, pods: [ended(128, { reason: 'StartError', message: 'exec: "python": not found' })] }),
      want: { reason: 'spawnFailed', message: expect.stringContaining('not found') },
    },
    {
      case: 'by an eviction, as of a drain',
      facts: makeFacts({ job, pods: [disrupted('EvictionByEvictionAPI')] }),
      want: { signal: 'SIGTERM', reason: 'evicted', message: expect.stringContaining('said the cluster') },
    },
    {
      case: 'by something of a higher priority',
      facts: makeFacts({ job, pods: [disrupted('PreemptionByScheduler')] }),
      want: { reason: 'preempted' },
    },
    {
      case: 'by a node that is gone',
      facts: makeFacts({ job, pods: [disrupted('DeletionByPodGC')], nodeList: [] }),
      want: { reason: 'nodeLost' },
    },
    {
      case: 'by a taint on a node that is there',
      facts: makeFacts({ job, pods: [disrupted('DeletionByTaintManager')] }),
      want: { reason: 'evicted' },
    },
    {
      case: 'by a taint on a node that is gone',
      facts: makeFacts({ job, pods: [disrupted('DeletionByTaintManager')], nodeList: [] }),
      want: { reason: 'nodeLost' },
    },
    {
      case: 'by a node short of memory',
      facts: makeFacts({ job, pods: [killedByKubelet('Evicted')] }),
      want: { code: null, reason: 'evicted', message: expect.stringContaining('low on resource') },
    },
    {
      case: 'by a node that turned it away',
      facts: makeFacts({ job, pods: [killedByKubelet('OutOfnvidia.com/gpu')] }),
      want: { reason: 'evicted' },
    },
    {
      case: 'at its hard deadline',
      facts: makeFacts({ job: deadlineJob, pods: [deleted(ended(137))] }),
      want: { signal: 'SIGKILL', reason: 'hardDeadline', message: expect.stringContaining('hard deadline') },
    },
    {
      case: 'at its hard deadline, its pods already gone',
      facts: makeFacts({ job: deadlineJob }),
      want: { reason: 'hardDeadline', at: START + 1000 },
    },
    {
      case: 'as it was asked to',
      facts: makeFacts({
        job: deleting,
        pods: [deleted(ended(10))],
        record: makeRecord({ created: 'uid', stoppedAt: START + 40_000 }),
      }),
      want: { code: 10, reason: 'terminated', at: START + 50_000 },
    },
    {
      case: 'out of memory while it was asked to',
      facts: makeFacts({
        job: deleting,
        pods: [deleted(ended(137, { reason: 'OOMKilled' }))],
        record: makeRecord({ stoppedAt: START }),
      }),
      want: { reason: 'memoryLimit' },
    },
    {
      case: 'because somebody else deleted its Job',
      facts: makeFacts({ record: makeRecord({ created: 'uid' }) }),
      want: { reason: 'terminated', message: expect.stringContaining('somebody else') },
    },
    {
      case: 'without ever having had a pod',
      facts: makeFacts({
        job: makeJob({ conditions: [condition('Failed', { reason: 'Error', message: 'invalid' })] }),
      }),
      want: { reason: 'neverStarted', message: 'invalid' },
    },
    {
      case: 'by an eviction whose pod is already gone',
      facts: makeFacts({
        job: failedBy('Pod training/x-0 has condition DisruptionTarget matching FailJob rule at index 0'),
      }),
      want: { code: null, reason: 'evicted', at: START + 1000 },
    },
    {
      case: 'by itself, its pod already gone',
      facts: makeFacts({
        job: failedBy(
          'Container trainer for pod training/x-0 failed with exit code 10 matching FailJob rule at index 1',
        ),
      }),
      want: { code: 10, signal: null, reason: 'exited' },
    },
    {
      case: 'by somebody who deleted its pod',
      facts: makeFacts({ job: makeJob({ conditions: [condition('Failed', { reason: 'BackoffLimitExceeded' })] }) }),
      want: { code: null, reason: 'terminated' },
    },
    {
      case: 'by the first of two pods that failed, and when the last was gone',
      facts: makeFacts({
        job: failedJob,
        pods: [
          ended(143, { finishedAt: time(58) }, 0),
          ended(30, { message: 'RuntimeError: gloo', finishedAt: time(40) }, 1),
        ],
      }),
      want: { code: 30, reason: 'exited', message: 'RuntimeError: gloo', at: START + 58_000 },
    },
  ])('$case', ({ facts, want }) => {
    expect(see(facts)?.exit).toMatchObject(want);
  });
});
