import { expect, it } from 'vitest';
import { mutations } from './mutations.ts';
import { runSeeds } from './pool.ts';

// Bugs planted into the operator's own source: each must break the invariant that the table names, and soon.
it.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
  'finds that %s',
  { timeout: 600_000 },
  async (name, { breaks, within }) => {
    const options = { mutation: name, until: breaks, threads: 1, mostFailures: within };
    const { failures } = await runSeeds(0, within, options);
    const found = failures.flatMap(({ broken }) => broken.map(({ invariant }) => invariant));
    expect(found).toContain(breaks);
  },
);
