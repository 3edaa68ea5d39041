import { it } from 'vitest';
import { prove } from './runs.ts';
import { scenarios } from './scenarios.ts';

const named = (name: string) => scenarios.find((scenario) => scenario.name === name) ?? scenarios[0];

// Runs that once failed, with what was wrong.
it('the operator dies between writing a raised deadline down and telling the trainer', async () => {
  await prove('operator', 242, named('is raised while it runs'));
});

it('an instance that takes its time to end does not make the controller wake itself', async () => {
  await prove('before', 10_000, named('is deleted while it runs'));
});
