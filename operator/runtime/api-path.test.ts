import { expect, it } from 'vitest';
import { resourceOfPath } from './api-path.ts';

it.each([
  ['a list in all namespaces', '/api/v1/pods', 'pods'],
  ['a list in one namespace', '/api/v1/namespaces/team/configmaps', 'configmaps'],
  ['one object', '/apis/batch/v1/namespaces/team/jobs/a', 'jobs'],
  ['a status', '/apis/training.kriptik.ai/v1alpha1/namespaces/team/trainingjobs/a/status', 'trainingjobs/status'],
  ['what lies behind a pod', '/api/v1/namespaces/team/pods/a:8080/proxy/v1/status', 'pods/proxy'],
  ['a namespace itself', '/api/v1/namespaces/team', 'namespaces'],
  ['a cluster-wide object', '/api/v1/nodes/a/status', 'nodes/status'],
  ['what a group offers', '/apis/training.kriptik.ai/v1alpha1', 'other'],
  ['what is no object', '/version', 'other'],
])('%s', (_what, path, resource) => {
  expect(resourceOfPath(path)).toBe(resource);
});
