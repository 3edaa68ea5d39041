import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { FakeClock } from '../runtime/clock.ts';
import { latestInstant, timeFor } from './instants.ts';

const job = makeJob()
  .attempt('Running', { createdAt: time(60) })
  .obj();

describe('the moment to reckon with', () => {
  it('is what the clock shows', () => {
    expect(timeFor(new FakeClock(START + 90_000), job)).toBe(START + 90_000);
    expect(latestInstant(makeJob().obj())).toBe(0);
  });

  it('never lies before what is on record, and goes on from there at the pace of the clock', async () => {
    const clock = new FakeClock(START);
    expect(timeFor(clock, job)).toBe(START + 60_000);
    await clock.advance(10_000);
    expect(timeFor(clock, job)).toBe(START + 70_000);
  });

  it('of one job says nothing of another', () => {
    const clock = new FakeClock(START);
    timeFor(clock, job);
    const other = makeJob().meta({ uid: 'other' }).obj();
    expect(timeFor(clock, other)).toBe(START);
  });
});
