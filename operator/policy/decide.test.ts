import { expect, it } from 'vitest';
import { makePolicy, START } from '../../test/support/builders.ts';
import { loadCatalog } from '../catalog/catalog.ts';
import { decidePolicy } from './decide.ts';

const catalog = loadCatalog();
const namespaces = [{ team: 'ml' }, { team: 'web' }, {}];

it.each([
  { case: 'holds everywhere without a selector', spec: {}, held: 3, ready: 'InForce' },
  {
    case: 'holds where labels match',
    spec: { namespaceSelector: { matchLabels: { team: 'ml' } } },
    held: 1,
    ready: 'InForce',
  },
  { case: 'knows the processor', spec: { gpus: { allowed: ['cpu'] } }, held: 3, ready: 'InForce' },
  { case: 'names a GPU that nobody knows', spec: { gpus: { allowed: ['H999'] } }, held: 3, ready: 'UnknownGpu' },
])('a policy $case', ({ spec, held, ready }) => {
  const policy = makePolicy(spec).obj();
  const status = decidePolicy({ now: START, policy, catalog, namespaces });
  expect(status.namespaces).toBe(held);
  expect(status.conditions?.[0]?.reason).toBe(ready);
  const again = decidePolicy({ now: START + 1e6, policy: { ...policy, status }, catalog, namespaces });
  expect(again).toEqual(status);
});
