import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../support/audit.ts';
import { KUBELET } from '../support/played-kubelet.ts';
import { brokenPods } from './pod-log.ts';

const FIRST = 'kriptik-0123abcd0123abcd-1-0-aaaaa';
const SECOND = 'kriptik-0123abcd0123abcd-2-0-bbbbb';

const entry = (second: number, verb: string, objectRef: AuditEntry['objectRef'], more: object = {}): AuditEntry => ({
  verb,
  requestURI: '/',
  stage: 'ResponseComplete',
  stageTimestamp: new Date(second * 1000).toISOString(),
  user: { username: 'someone' },
  responseStatus: { code: 200 },
  ...(objectRef !== undefined && { objectRef }),
  ...more,
});

/** A pod that is bound, runs and ends, as the API server hears of it. */
const pod = (name: string, from: number, until?: number): AuditEntry[] => [
  entry(from, 'create', { resource: 'pods', subresource: 'binding', name }),
  entry(from + 1, 'patch', { resource: 'pods', subresource: 'status', name }, { userAgent: KUBELET }),
  // Others write a pod's status too.
  entry(from + 2, 'patch', { resource: 'pods', subresource: 'status', name }, { userAgent: 'kube-controller-manager' }),
  ...(until === undefined
    ? []
    : [entry(until, 'patch', { resource: 'pods', subresource: 'status', name }, { userAgent: KUBELET })]),
];
const letGo = (name: string, at: number): AuditEntry =>
  entry(at, 'delete', { resource: 'pods', name }, { userAgent: KUBELET });
const phase = (at: number, is: string): AuditEntry =>
  entry(
    at,
    'patch',
    { resource: 'trainingjobs', subresource: 'status' },
    { responseObject: { status: { phase: is } } },
  );
const job = (at: number, name: string): AuditEntry => entry(at, 'create', { resource: 'jobs', name });

/** A cent a second. */
const cost = (ms: number): number => ms / 100_000;

describe("what the API server's log says against pods", () => {
  it.each<[string, AuditEntry[], string[]]>([
    ['nothing, where one follows the other', [...pod(FIRST, 10, 20), ...pod(SECOND, 20, 30)], []],
    ['nothing, where one went before it ran', [...pod(FIRST, 10).slice(0, 1), letGo(FIRST, 15)], []],
    [
      'nothing, where the job rests after the end',
      [...pod(FIRST, 10, 20), phase(20, 'Frozen'), phase(5, 'Paused')],
      [],
    ],
    ['two at once', [...pod(FIRST, 10, 20), ...pod(SECOND, 19, 30)], [`${FIRST} and ${SECOND} held nodes at once`]],
    [
      'two of one attempt, even one after the other',
      [...pod(FIRST, 10, 20), ...pod(`${FIRST}2`, 20, 30)],
      [`attempt kriptik-0123abcd0123abcd-1 had two pods, ${FIRST} and ${FIRST}2`],
    ],
    ['one that takes more than the limit', pod(FIRST, 10, 111), ['pods held nodes for 1.010000 USD, 1 is the limit']],
    [
      'one that runs while its job is said to rest',
      [...pod(FIRST, 10, 20), phase(15, 'Paused')],
      [`${FIRST} held a node when Paused was reported`],
    ],
    ['a Job made twice', [job(1, 'a'), job(2, 'b'), job(3, 'a')], ['the Job a was made twice']],
  ])('%s', (_what, log, expected) => {
    expect(brokenPods(log, 1, cost)).toEqual(expected);
  });

  it('one that was never told to have ended', () => {
    expect(brokenPods(pod(FIRST, Date.now() / 1000 - 5), 1, cost)).toEqual([`${FIRST} was never told to have ended`]);
  });
});
