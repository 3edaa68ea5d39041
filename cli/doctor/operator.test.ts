import type { ComputeProvider, TrainingGoal } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { operatorState } from './operator.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (ageSeconds: number): string => new Date(now - ageSeconds * 1000).toISOString();

interface Shape {
  readonly seen?: number;
  readonly changed: number;
  readonly statusWritten?: number;
}

/** A goal at generation 2, made an hour ago, its specification changed `changed` seconds ago. */
const goal = ({ seen, changed, statusWritten }: Shape): TrainingGoal =>
  ({
    metadata: {
      name: 'helpdesk',
      generation: 2,
      creationTimestamp: at(3600),
      managedFields: [
        { manager: 'kriptik-cli', time: at(changed) },
        ...(statusWritten === undefined ? [] : [{ subresource: 'status', time: at(statusWritten) }]),
      ],
    },
    ...(seen === undefined ? {} : { status: { observedGeneration: seen } }),
  }) as unknown as TrainingGoal;

const provider = (seen: number | undefined, changed: number): ComputeProvider =>
  ({
    metadata: { name: 'local', generation: 1, creationTimestamp: at(changed) },
    ...(seen === undefined ? {} : { status: { observedGeneration: seen } }),
  }) as unknown as ComputeProvider;

describe('operatorState', () => {
  it.each([
    { name: 'nothing is there', traces: {}, works: 'unknown', detail: 'nothing is there' },
    {
      name: 'everything was looked at',
      traces: { goals: [goal({ seen: 2, changed: 600 })] },
      works: 'yes',
      detail: '',
    },
    {
      name: 'a change has just been made',
      traces: { goals: [goal({ seen: 1, changed: 5 })] },
      works: 'yes',
      detail: '',
    },
    {
      name: 'a change has waited for long',
      traces: { goals: [goal({ seen: 1, changed: 180, statusWritten: 2 })] },
      works: 'no',
      detail: 'none has looked at goal/helpdesk, changed 3m ago',
    },
    {
      name: 'a goal was never looked at',
      traces: { goals: [goal({ changed: 20 })] },
      works: 'no',
      detail: 'none has looked at goal/helpdesk, changed 20s ago',
    },
    {
      name: 'a provider was never probed',
      traces: { providers: [provider(undefined, 60)] },
      works: 'no',
      detail: 'none has looked at provider/local, changed 1m ago',
    },
    {
      name: 'the lease is renewed',
      traces: { lease: { holder: 'node-7', renewedAt: now - 2_000 } },
      works: 'yes',
      detail: 'leader node-7, lease renewed 2s ago',
    },
    {
      name: 'the lease ran out, although nothing waits',
      traces: { providers: [provider(1, 60)], lease: { holder: 'node-7', renewedAt: now - 90_000 } },
      works: 'no',
      detail: 'the last one is gone: leader node-7, lease renewed 1m30s ago',
    },
  ])('is $works when $name', ({ traces, works, detail }) => {
    const state = operatorState({ now, goals: [], providers: [], ...traces });
    expect(state.works).toBe(works);
    expect(state.detail).toContain(detail);
  });
});
