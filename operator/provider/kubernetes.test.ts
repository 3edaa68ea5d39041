import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/catalog.ts';
import { podAccessFrom, productsOf } from './kubernetes.ts';

describe('the operator reaches pods', () => {
  it.each([
    { case: 'at their address inside the cluster', env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, want: 'ip' },
    { case: 'through the API server from outside', env: {}, want: 'proxy' },
    { case: 'as it is told', env: { KRIPTIK_POD_ACCESS: 'ip' }, want: 'ip' },
    { case: 'by itself where it is told to', env: { KRIPTIK_POD_ACCESS: 'auto' }, want: 'proxy' },
  ])('$case', ({ env, want }) => {
    expect(podAccessFrom(env)).toBe(want);
  });

  it('not by a word that means nothing', () => {
    expect(() => podAccessFrom({ KRIPTIK_POD_ACCESS: 'tunnel' })).toThrow('use ip, proxy or auto');
  });
});

describe('nodes name a GPU', () => {
  it.each([
    { case: 'as the catalog knows', gpu: 'H100-SXM-80GB', named: [], want: ['NVIDIA-H100-80GB-HBM3'] },
    {
      case: 'as the provider says, whatever name of the GPU it uses',
      gpu: 'H100-SXM-80GB',
      named: [{ gpu: 'NVIDIA H100 80GB HBM3', products: ['H100-MIG'] }],
      want: ['H100-MIG'],
    },
    {
      case: 'as the provider says of one that the catalog lacks',
      gpu: 'X1',
      named: [{ gpu: 'X1', products: ['x1'] }],
      want: ['x1'],
    },
    { case: 'in no way that is known', gpu: 'X1', named: [], want: [] },
  ])('$case', ({ gpu, named, want }) => {
    expect(productsOf(gpu, named, loadCatalog())).toEqual(want);
  });
});
