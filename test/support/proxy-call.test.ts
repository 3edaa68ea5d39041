import { describe, expect, it } from 'vitest';
import { callOf, isWrite, labelOf } from './proxy-call.ts';

const JOBS = '/apis/training.kriptik.ai/v1alpha1/namespaces/team/trainingjobs';

describe('a call is taken apart', () => {
  it.each([
    ['GET', '/api/v1/namespaces', { resource: 'namespaces', namespace: '', name: '', subresource: '' }],
    ['GET', '/api/v1/namespaces/team', { resource: 'namespaces', namespace: '', name: 'team', subresource: '' }],
    ['GET', `${JOBS}?watch=1`, { resource: 'trainingjobs', namespace: 'team', name: '', watch: true }],
    [
      'PATCH',
      `${JOBS}/faq/status`,
      { resource: 'trainingjobs', namespace: 'team', name: 'faq', subresource: 'status' },
    ],
    [
      'GET',
      '/api/v1/namespaces/team/pods/a/proxy/v1/status',
      { resource: 'pods', name: 'a', subresource: 'proxy/v1/status' },
    ],
    ['GET', '/version', { resource: '', name: '' }],
  ])('%s %s', (method, url, parts) => {
    expect(callOf(method, url, '')).toMatchObject(parts);
  });

  it('and questions that are posted are no writes', () => {
    expect(isWrite(callOf('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', '{}'))).toBe(false);
    expect(isWrite(callOf('POST', JOBS, '{}'))).toBe(true);
    expect(isWrite(callOf('GET', JOBS, ''))).toBe(false);
  });
});

describe('the label of a write', () => {
  const label = (status: object): string => labelOf(callOf('PATCH', `${JOBS}/faq/status`, JSON.stringify({ status })));
  const running = { type: 'Running', status: 'True', reason: 'Running' };

  it('is the same for other times, amounts and messages', () => {
    const one = { phase: 'Running', attempts: [{ state: 'Running', createdAt: '1' }], cost: { spent: '1' } };
    const other = { phase: 'Running', attempts: [{ state: 'Running', createdAt: '2' }], progress: { step: 4 } };
    expect(label(one)).toBe(label(other));
    expect(label({ conditions: [{ ...running, message: 'a' }] })).toBe(
      label({ conditions: [{ ...running, message: 'b' }] }),
    );
  });

  it('names the attempt that an object belongs to, and not the job', () => {
    const pods = '/api/v1/namespaces/pods/pods';
    const records = '/api/v1/namespaces/pods/configmaps';
    const stop = { metadata: { annotations: { 'training.kriptik.ai/stopped-at': '2026-11-23T10:00:00Z' } } };
    const made = {
      metadata: { name: 'kriptik-0e5a1c3e8f3e4d2c-2', annotations: { 'training.kriptik.ai/job': 'team/faq' } },
    };
    expect(labelOf(callOf('DELETE', `${pods}/kriptik-0e5a1c3e8f3e4d2c-1-0-x7k2p`, ''))).toBe(
      'DELETE pods of attempt 1',
    );
    expect(labelOf(callOf('POST', records, JSON.stringify(made)))).toBe('POST configmaps of attempt 2');
    expect(
      labelOf(callOf('DELETE', `${pods}/kriptik-0e5a1c3e8f3e4d2c-1-0-x7k2p:8080/proxy/v1/checkpoint/id-1`, '')),
    ).toBe('DELETE pods/proxy/v1/checkpoint of attempt 1');
    expect(labelOf(callOf('PATCH', `${records}/kriptik-0e5a1c3e8f3e4d2c-1`, JSON.stringify(stop)))).toBe(
      'PATCH configmaps of attempt 1 training.kriptik.ai/stopped-at',
    );
  });

  it('is another for another phase, outcome, condition or field', () => {
    const texts = [
      label({ phase: 'Running' }),
      label({ phase: 'Frozen' }),
      label({ attempts: [{ state: 'Gone', outcome: 'Frozen' }] }),
      label({ attempts: [{ state: 'Gone', outcome: 'Lost' }] }),
      label({ conditions: [running] }),
      label({ conditions: [{ ...running, status: 'False' }] }),
      label({ freeze: {} }),
      labelOf(callOf('PATCH', `${JOBS}/faq`, '{"metadata":{"finalizers":[]}}')),
    ];
    expect(new Set(texts).size).toBe(texts.length);
  });
});
