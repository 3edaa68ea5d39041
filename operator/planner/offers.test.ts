import { describe, expect, it } from 'vitest';
import { InvalidMoney } from '../money.ts';
import { offersOf } from './offers.ts';
import { catalog } from './test-builders.ts';

const ready = { name: 'p', ready: true } as const;

describe('offersOf', () => {
  it('offers the machine of a local provider as a whole', () => {
    const [offer, ...rest] = offersOf(
      {
        ...ready,
        cpus: 8,
        memoryBytes: 64e9,
        spec: { type: 'local', local: { pricePerHour: '6.00', resources: { maxCpus: 4, maxMemory: '8Gi' } } },
      },
      catalog,
    );
    expect(rest).toEqual([]);
    expect(offer).toMatchObject({
      gpu: 'cpu',
      counts: [1],
      priceUnit: 'machine',
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      unitPricePerHour: 6_000_000,
    });
  });

  it('takes list prices of the chosen tier, and only confirmed ones', () => {
    const community = offersOf({ ...ready, spec: { type: 'runpod', runpod: { cloud: 'COMMUNITY' } } }, catalog);
    const secure = offersOf({ ...ready, spec: { type: 'runpod' } }, catalog);
    const price = (offers: typeof secure) => offers.find(({ gpu }) => gpu === 'H100-SXM-80GB')?.unitPricePerHour;
    expect([price(community), price(secure)]).toEqual([2_690_000, 3_990_000]);
    expect(secure.map(({ gpu }) => gpu)).not.toContain('RTX-3090-24GB');
    expect(secure.every(({ priceVerified, priceAsOf }) => priceVerified && priceAsOf.length === 10)).toBe(true);
  });

  it('lets a declared price replace the list price', () => {
    const offers = offersOf(
      {
        ...ready,
        spec: {
          type: 'modal',
          prices: { source: 'catalog', declared: [{ gpu: 'H100-SXM-80GB', pricePerHour: '3.00', asOf: '2026-11-20' }] },
        },
      },
      catalog,
    );
    const h100 = offers.filter(({ gpu }) => gpu === 'H100-SXM-80GB');
    expect(h100).toHaveLength(1);
    expect(h100[0]).toMatchObject({ unitPricePerHour: 3_000_000, priceAsOf: '2026-11-20' });
  });

  it('knows only declared prices in a cluster', () => {
    const declared = [{ gpu: 'NVIDIA-L40S', pricePerHour: '0.90' }];
    const offers = offersOf(
      { ...ready, spec: { type: 'kubernetes', prices: { source: 'declared', declared } } },
      catalog,
    );
    expect(offers.map(({ gpu }) => gpu)).toEqual(['L40S-48GB']);
  });

  it('offers the nodes of a cluster with the image that is to be approved, and CPU nodes as machines', () => {
    const image = `registry.example/trainer@sha256:${'a'.repeat(64)}`;
    const declared = [
      { gpu: 'L40S-48GB', pricePerHour: '0.90' },
      { gpu: 'cpu', pricePerHour: '0.20' },
    ];
    const kubernetes = { image, resources: { cpu: '3500m', memory: '8Gi' } };
    const [gpu, cpu] = offersOf(
      { ...ready, spec: { type: 'kubernetes', prices: { source: 'declared', declared }, kubernetes } },
      catalog,
    );
    expect(gpu).toMatchObject({ image, priceUnit: 'gpu', counts: [1, 2, 4, 8] });
    expect(cpu).toMatchObject({ image, priceUnit: 'machine', counts: [1], cpus: 3, memoryBytes: 8 * 2 ** 30 });
  });

  it('leaves out what is above the price limit, and everything of a provider turned off', () => {
    const limits = { maxPricePerHour: '2.00' };
    const offers = offersOf({ ...ready, spec: { type: 'modal', limits } }, catalog);
    expect(offers.every(({ unitPricePerHour, counts }) => unitPricePerHour * Math.max(...counts) <= 2_000_000)).toBe(
      true,
    );
    expect(offers.find(({ gpu }) => gpu === 'L4-24GB')?.counts).toEqual([1, 2]);
    expect(offersOf({ ...ready, spec: { type: 'modal', enabled: false } }, catalog)).toEqual([]);
  });

  it('names the field of a malformed price', () => {
    const spec = { type: 'local', local: { pricePerHour: 'six' } } as const;
    expect(() => offersOf({ ...ready, spec }, catalog)).toThrow(InvalidMoney);
    expect(() => offersOf({ ...ready, spec }, catalog)).toThrow(/spec\.local\.pricePerHour/);
  });
});
