import { annotations } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { makeObserved, readyProvider } from '../../test/support/observed.ts';
import { decideJob } from './decide.ts';

const freeze = { limit: '5.00', requestedAt: time(60), reason: 'Budget', requestId: 'r', deadline: time(900) } as const;
const phases = {
  'is being created': makeJob().attempt('Creating', { createdAt: time(-60) }),
  'waits for hardware': makeJob().attempt('Creating', { createdAt: time(-60), queued: true, instance: '4711' }),
  runs: makeJob().attempt('Running', { createdAt: time(-60) }),
  'is frozen just now': makeJob()
    .attempt('Stopping', { createdAt: time(-60), stopReason: 'Budget' })
    .status({ freeze }),
  'is paused just now': makeJob()
    .attempt('Stopping', { createdAt: time(-60), stopReason: 'Paused' })
    .status({ freeze }),
  'gives up its wait': makeJob().attempt('Stopping', { createdAt: time(-60), stopReason: 'Capacity' }),
};
const cases = Object.entries(phases).map(([phase, job]) => ({ phase, job: job.deleted() }));
const kinds = (decision: ReturnType<typeof decideJob>) => decision.actions.map(({ type }) => type);
const ready = (decision: ReturnType<typeof decideJob>) =>
  decision.status.conditions?.find(({ type }) => type === 'Ready');

describe('a job that is deleted while its attempt', () => {
  it.each(cases)('$phase: ends what is there', ({ phase, job }) => {
    const state = phase === 'waits for hardware' ? 'queued' : phase === 'is being created' ? 'starting' : 'running';
    const observed = makeObserved(job.obj()).at(10).instance(state);
    expect(kinds(decideJob(observed.obj()))).toContain('Terminate');
  });

  it.each(cases)('$phase: goes once nothing is there', ({ job }) => {
    const closed = decideJob(makeObserved(job.obj()).at(10).obj());
    expect(closed.status.attempts?.at(-1)).toMatchObject({ state: 'Gone' });
    expect(kinds(closed)).not.toContain('Launch');
    const next = decideJob(
      makeObserved({ ...job.obj(), status: closed.status })
        .at(11)
        .obj(),
    );
    expect(kinds(next)).toContain('RemoveFinalizer');
  });

  it.each(cases)('$phase: says after a while what keeps it, once', ({ job }) => {
    const silent = makeObserved(job.obj())
      .at(130)
      .with({
        instance: 'unknown',
        providers: [readyProvider({ ready: false, reason: 'CredentialsInvalid', message: 'the key was revoked' })],
      });
    const first = decideJob(silent.obj());
    expect(kinds(first)).not.toContain('RemoveFinalizer');
    expect(ready(first)).toMatchObject({ status: 'False', reason: 'DeletionBlocked' });
    expect(ready(first)?.message).toMatch(
      /the key was revoked.*kubectl -n team annotate trainingjob .*let-go=kriptik-0e5a1c3e-1/,
    );
    expect(first.events.map(({ reason }) => reason)).toContain('DeletionBlocked');
    const again = decideJob(
      silent
        .with({ job: { ...job.obj(), status: first.status } })
        .at(200)
        .obj(),
    );
    expect(again.events).toEqual([]);
  });

  it.each(cases)('$phase: is let go by a person who names the attempt', ({ job }) => {
    const annotated = job.meta({ annotations: { [annotations.letGo]: 'kriptik-0e5a1c3e-1' } });
    const decision = decideJob(makeObserved(annotated.obj()).at(130).with({ instance: 'unknown' }).obj());
    expect(kinds(decision)).toEqual(['RemoveFinalizer']);
    expect(decision.events).toMatchObject([{ type: 'Warning', reason: 'InstanceAbandoned' }]);
  });

  it('is not let go for the name of another attempt', () => {
    const annotated = phases.runs.deleted().meta({ annotations: { [annotations.letGo]: 'kriptik-0e5a1c3e-9' } });
    const decision = decideJob(makeObserved(annotated.obj()).at(130).with({ instance: 'unknown' }).obj());
    expect(kinds(decision)).not.toContain('RemoveFinalizer');
  });

  it('is patient before that', () => {
    const decision = decideJob(makeObserved(phases.runs.deleted().obj()).at(60).with({ instance: 'unknown' }).obj());
    expect(ready(decision)?.reason).not.toBe('DeletionBlocked');
  });
});
