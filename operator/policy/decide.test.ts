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
  {
    case: 'names a GPU by another name than the catalog does',
    spec: { gpus: { allowed: ['L4-24GB', 'NVIDIA H200'] } },
    held: 3,
    ready: 'UnknownGpu',
  },
  {
    case: 'denies a licence by a wrong name',
    spec: { licenses: { denied: ['apache'] } },
    held: 3,
    ready: 'UnknownLicense',
  },
  {
    case: 'knows its licences, whatever the case',
    spec: { licenses: { allowed: ['Apache-2.0'], denied: ['llama3.1'] } },
    held: 3,
    ready: 'InForce',
  },
])('a policy $case', ({ spec, held, ready }) => {
  const policy = makePolicy(spec).obj();
  const status = decidePolicy({ now: START, policy, catalog, namespaces });
  expect(status.namespaces).toBe(held);
  expect(status.conditions?.[0]?.reason).toBe(ready);
  const again = decidePolicy({ now: START + 1e6, policy: { ...policy, status }, catalog, namespaces });
  expect(again).toEqual(status);
});

it('tells the name to write instead', () => {
  const policy = makePolicy({ gpus: { allowed: ['NVIDIA H200'] } }).obj();
  const { conditions } = decidePolicy({ now: START, policy, catalog, namespaces });
  expect(conditions?.[0]?.message).toMatch(/NVIDIA H200 \(write H200-\S+\)/);
});
