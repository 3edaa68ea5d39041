import { expect, test } from 'vitest';
import { trainerEnvironment } from './environment.ts';
import { stricter } from './launch.ts';
import { type Facts, judge } from './state.ts';

const NOW = 1_000_000;
const process = { pid: 7, identity: 'boot:1' };
const claim = { pid: 5, identity: 'boot:0', at: 900, trainer: { pid: 7, startedAt: 950 } };
const exit = { code: 0, signal: null, at: 990, reason: 'exited' as const };
const nothing: Facts = {
  launch: {
    version: 1,
    id: 'id-1',
    name: 'one',
    directory: '/work/instances/one',
    job: { namespace: 'a', name: 'b', uid: 'c' },
    createdAt: 800,
    command: ['trainer'],
    resources: {},
    timing: { startTimeout: 1, hardDeadlineGrace: 1 },
  },
  released: false,
  exit: undefined,
  claim: undefined,
  supervisorRuns: false,
  marked: [],
  stop: undefined,
  port: undefined,
  claimBy: undefined,
};

const stop = { at: 970, killAt: 980 };
const cases: [string, Partial<Facts>, string, string | undefined, string | undefined][] = [
  ['prepared, a launch may be under way', { claimBy: NOW }, 'known', 'starting', undefined],
  ['prepared, the launch is out of time', { claimBy: NOW - 1 }, 'absent', undefined, undefined],
  ['prepared, never launched', {}, 'absent', undefined, undefined],
  ['a supervisor that has not claimed yet', { marked: [process] }, 'known', 'starting', undefined],
  ['ended before it began', { stop }, 'known', 'exited', 'neverStarted'],
  [
    'ended before it began, but a supervisor is on its way',
    { stop, marked: [process] },
    'known',
    'starting',
    undefined,
  ],
  ['claimed, the port not open', { claim, supervisorRuns: true }, 'known', 'starting', undefined],
  ['listening', { claim, supervisorRuns: true, port: 80 }, 'known', 'running', undefined],
  ['being ended', { claim, supervisorRuns: true, port: 80, stop }, 'known', 'running', undefined],
  ['ended', { claim, exit, port: 80 }, 'known', 'exited', 'exited'],
  ['ended, the supervisor still leaving', { claim, exit, supervisorRuns: true }, 'known', 'exited', 'exited'],
  ['without a supervisor, but running', { claim, port: 80, marked: [process] }, 'unsupervised', 'running', undefined],
  ['without a supervisor and nothing left', { claim, port: 80 }, 'lost', 'exited', 'supervisorLost'],
  ['released', { claim, exit, released: true }, 'absent', undefined, undefined],
];

test.each(cases)('%s', (_, facts, is, state, reason) => {
  const verdict = judge({ ...nothing, ...facts }, NOW);
  const instance = verdict.is === 'absent' ? undefined : verdict.instance;
  expect([verdict.is, instance?.state, instance?.exit?.reason]).toEqual([is, state, reason]);
  expect(instance?.endpoint).toBe(state === 'running' ? 'http://127.0.0.1:80' : undefined);
});

test("the operator's own secrets do not reach the trainer", () => {
  const env = { PATH: '/bin', HF_TOKEN: 'given for it', ANTHROPIC_API_KEY: 'no', KUBECONFIG: 'no', AWS_SECRET: 'no' };
  const chosen = trainerEnvironment(env, { EXTRA: '1' }, { id: 'id-1', directory: '/d' }, { cpus: 2 });
  expect(chosen).toEqual({
    PATH: '/bin',
    HF_TOKEN: 'given for it',
    PYTHONUNBUFFERED: '1',
    OMP_NUM_THREADS: '2',
    MKL_NUM_THREADS: '2',
    OPENBLAS_NUM_THREADS: '2',
    EXTRA: '1',
    KRIPTIK_INSTANCE: 'id-1',
    KRIPTIK_INSTANCE_DIRECTORY: '/d',
  });
});

test.each([
  [{}, {}, {}],
  [{ cpus: 4 }, { cpus: 2, memoryBytes: 5 }, { cpus: 2, memoryBytes: 5 }],
  [
    { memoryBytes: 3, niceness: 5 },
    { memoryBytes: 9, niceness: 10 },
    { memoryBytes: 3, niceness: 10 },
  ],
])('a request can only lower the limits of the provider: %o and %o', (provider, request, expected) => {
  expect(stricter(provider, request)).toEqual(expected);
});
