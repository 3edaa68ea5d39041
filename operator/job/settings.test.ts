import { expect, it } from 'vitest';
import { defaultJobSettings, settingsFor } from './settings.ts';

it('leaves a few jobs as they are set', () => {
  expect(settingsFor(defaultJobSettings, 100)).toEqual(defaultJobSettings);
});

it('looks at each of a thousand jobs every ten seconds and writes its progress every forty', () => {
  const settings = settingsFor(defaultJobSettings, 1_000);
  expect(settings).toEqual({ ...defaultJobSettings, pollMs: 10_000, stopPollMs: 5_000, progressMs: 40_000 });
});

it('counts on freezes that begin as late as looks have come', () => {
  expect(settingsFor(defaultJobSettings, 1, 7_000)).toEqual({ ...defaultJobSettings, lateMs: 7_000 });
});
