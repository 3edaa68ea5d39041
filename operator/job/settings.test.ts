import { expect, it } from 'vitest';
import { defaultJobSettings, settingsFor } from './settings.ts';

it('leaves a few jobs as they are set', () => {
  expect(settingsFor(defaultJobSettings, 250)).toBe(defaultJobSettings);
});

it('has a thousand jobs write their progress every twenty seconds, and freeze as fast as ever', () => {
  expect(settingsFor(defaultJobSettings, 1_000)).toEqual({ ...defaultJobSettings, progressMs: 20_000 });
});
