import { expect, it } from 'vitest';
import { accessOf, type PolicyRule } from './rbac.ts';
import { accountName } from './users.ts';

it.each<[string, PolicyRule, string | undefined, object]>([
  [
    'a resource in a namespace',
    { verbs: ['get', 'list'], apiGroups: ['batch'], resources: ['jobs'] },
    'team',
    { resourceAttributes: { verb: 'get', group: 'batch', resource: 'jobs', namespace: 'team' } },
  ],
  [
    'a subresource of a named object',
    { verbs: ['patch'], apiGroups: [''], resources: ['pods/status'], resourceNames: ['p'] },
    undefined,
    { resourceAttributes: { verb: 'patch', group: '', resource: 'pods', subresource: 'status', name: 'p' } },
  ],
  [
    'a path',
    { verbs: ['get'], nonResourceURLs: ['/metrics'] },
    undefined,
    { nonResourceAttributes: { verb: 'get', path: '/metrics' } },
  ],
])('asks whether a rule holds for %s', (_name, rule, namespace, want) => {
  expect(accessOf(rule, namespace)).toEqual(want);
});

it.each([
  ['ann@example.com', 'ann-example-com'],
  ['-Zoë-', 'zo'],
  ['***', 'user'],
  ['a'.repeat(100), 'a'.repeat(63)],
])('names the service account of %j', (name, want) => {
  expect(accountName(name)).toBe(want);
});
