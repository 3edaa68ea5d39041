import { expect, it } from 'vitest';
import { concerned } from './news.ts';
import type { Pod } from './objects.ts';
import { deleted, ended, makePod, running } from './testing/facts.ts';

const JOB = running().metadata.labels?.['training.kriptik.ai/job-uid'];

it.each<{ case: string; before?: Pod; pod: Pod; wakes: boolean }>([
  { case: 'is made', pod: makePod(), wakes: false },
  { case: 'runs already when it is first seen', pod: running(), wakes: true },
  { case: 'begins to run', before: makePod(), pod: running(), wakes: true },
  { case: 'says the same again', before: running(), pod: running(), wakes: false },
  { case: 'is told to end', before: running(), pod: deleted(running()), wakes: true },
  { case: 'ends', before: running(), pod: ended(0), wakes: true },
])('a pod that $case: $wakes', ({ before, pod, wakes }) => {
  expect(concerned(before, pod)).toBe(wakes ? JOB : undefined);
});
