import { describe, expect, it } from 'vitest';
import { time } from '../../../test/support/builders.ts';
import { healthyRun, symptomsAt } from '../../../test/support/curves.ts';
import { detect } from './detect.ts';
import type { Symptoms, Verdict } from './types.ts';

const run = healthyRun(5);
const look = (code: string, change: Partial<Symptoms> = {}, status: Parameters<typeof symptomsAt>[3] = {}): Verdict =>
  detect(symptomsAt(run, 50, change, status)).get(code);
const pending = (reason: string): Partial<Symptoms> => ({
  situation: { kind: 'Pending', reason, message: 'what the provider said' },
  status: undefined,
});
const failedSave = { code: 'storeUnreachable', message: 'no answer from the store', step: 40, at: time(40) };
const money = { spent: '2.00', limit: '5.00', forecast: '9.10', options: ['raise the budget to $10.50'] };

describe('a job that does not start', () => {
  it.each([
    { reason: 'NoSuchGpu', remedy: /Choose a GPU/ },
    { reason: 'InsufficientCapacity', remedy: /Wait/ },
    { reason: 'NoCapacity', remedy: /tried again by themselves/ },
    { reason: 'QuotaExceeded', remedy: /ResourceQuota/ },
    { reason: 'ImagePull', remedy: /imagePullSecrets/ },
    { reason: 'NoProviderReady', remedy: /credentials|provider says/ },
    { reason: 'StoreForbidden', remedy: /right to list, read and write/ },
    { reason: 'StoreCredentials', remedy: /keys/ },
  ])('for want of $reason is told what to do', ({ reason, remedy }) => {
    const verdict = look('WontStart', pending(reason));
    expect(verdict).toMatchObject({ code: 'WontStart', evidence: ['what the provider said'] });
    expect(JSON.stringify(verdict)).toMatch(remedy);
  });

  it('with a budget that does not even start it is told so', () => {
    const frozen = { situation: { kind: 'Frozen', message: '' }, status: undefined } as const;
    const budget = { spent: '0.00', limit: '0.02', options: [] };
    expect(look('WontStart', { ...frozen, budget })).toMatchObject({ severity: 'Error' });
  });

  it.each([
    { case: 'waits in a queue', change: pending('Queued'), want: undefined },
    {
      case: 'is being created',
      change: { situation: { kind: 'Provisioning', message: '' } } as const,
      want: undefined,
    },
    { case: 'runs', change: {}, want: 'clear' },
  ])('but $case is left alone', ({ change, want }) => {
    expect(look('WontStart', change)).toBe(want);
  });
});

describe('a job that runs', () => {
  it.each([
    {
      case: 'does not fit its budget',
      code: 'BudgetTooFast',
      change: { budget: { ...money, fits: false } },
      status: {},
    },
    {
      case: 'cannot save',
      code: 'SavesFail',
      change: {},
      status: { lastCheckpointError: failedSave, stepsSinceCheckpoint: 45 },
    },
    {
      case: 'has gradients that are no numbers',
      code: 'GradientsNotFinite',
      change: {},
      status: { nonFinite: { steps: 6, lastStep: 49, what: 'gradNorm' } },
    },
  ])('$case: $code', ({ code, change, status }) => {
    expect(look(code, change, status)).toMatchObject({ code, severity: 'Warning' });
  });

  it.each([
    {
      case: 'fits its budget',
      code: 'BudgetTooFast',
      change: { budget: { ...money, fits: true } },
      status: {},
      want: 'clear',
    },
    {
      case: 'has no forecast yet',
      code: 'BudgetTooFast',
      change: { budget: { ...money, forecast: undefined } },
      status: {},
      want: undefined,
    },
    {
      case: 'failed to save once',
      code: 'SavesFail',
      change: {},
      status: { lastCheckpointError: failedSave, stepsSinceCheckpoint: 22 },
      want: undefined,
    },
    { case: 'saves again', code: 'SavesFail', change: {}, status: { lastCheckpointError: null }, want: 'clear' },
    {
      case: 'looks for its loss scale',
      code: 'GradientsNotFinite',
      change: {},
      status: { nonFinite: { steps: 2, lastStep: 3, what: 'gradNorm' } },
      want: 'clear',
    },
  ])('and $case is left alone', ({ code, change, status, want }) => {
    expect(look(code, change, status)).toBe(want);
  });

  it.each([
    { now: '0.03', offered: ['hyperparameters.warmupRatio=0.06'] },
    { now: '0.15', offered: ['hyperparameters.warmupRatio=0.20'] },
    { now: '0.2', offered: [] },
    { now: '0.5', offered: [] },
  ])('and warms up for $now of its steps is offered a longer warm-up only: $offered', ({ now, offered }) => {
    const { plan } = symptomsAt(run, 50);
    const warmed = { ...plan, hyperparameters: { ...plan.hyperparameters, warmupRatio: now } };
    const verdict = look(
      'GradientsNotFinite',
      { plan: warmed },
      { nonFinite: { steps: 6, lastStep: 49, what: 'loss' } },
    );
    const changes = typeof verdict === 'object' ? verdict.remedies.flatMap(({ change }) => change ?? []) : [];
    expect(changes.filter((change) => change.includes('warmup'))).toEqual(offered);
  });

  it('is offered the options of its forecast', () => {
    expect(JSON.stringify(look('BudgetTooFast', { budget: { ...money, fits: false } }))).toContain(
      'raise the budget to $10.50',
    );
  });
});

describe('a GPU that stands still', () => {
  it.each([
    { case: 'is told where rows are there in time', status: { gpuBusyShare: 0.2, dataWaitShare: 0.02 }, want: 'Info' },
    {
      case: 'is none of this where it waits for rows',
      status: { gpuBusyShare: 0.2, dataWaitShare: 0.5 },
      want: 'clear',
    },
    { case: 'is none of this where it computes', status: { gpuBusyShare: 0.9, dataWaitShare: 0.02 }, want: 'clear' },
    { case: 'stays as it was near the line', status: { gpuBusyShare: 0.4, dataWaitShare: 0.02 }, want: undefined },
    { case: 'is not guessed at where nothing tells', status: { gpuBusyShare: null }, want: undefined },
  ])('$case', ({ status, want }) => {
    const verdict = look('GpuUnderused', {}, status);
    expect(typeof verdict === 'object' ? verdict.severity : verdict).toBe(want);
  });

  it('says how busy it is', () => {
    const verdict = look('GpuUnderused', {}, { gpuBusyShare: 0.2, dataWaitShare: 0.02 });
    expect(verdict).toMatchObject({ message: expect.stringContaining('only 20 % of the time') });
  });
});
