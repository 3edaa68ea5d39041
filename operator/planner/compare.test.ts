import { describe, expect, it } from 'vitest';
import { compareProposals } from './compare.ts';
import { publishedMarket } from './market.ts';
import { catalog, makeContract, planned } from './test-builders.ts';

const providers = publishedMarket(catalog);
const contract = makeContract({ data: [{ uri: 's3://desk/tickets', rows: 5000 }] }, '100.00');
const plan = (selection = {}) => planned({ contract, providers, dataFacts: [], selection });

describe('compareProposals', () => {
  it('finds nothing between equal proposals', () => {
    expect(compareProposals(plan(), plan())).toEqual([]);
    expect(plan().changes).toEqual([]);
  });

  it('tells what a choice moved, and by how much total and time', () => {
    const changed = plan({ gpu: 'runpod/H100-SXM-80GB' });
    expect(changed.changes).toEqual(compareProposals(plan(), changed));
    expect(changed.changes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ tile: 'GPU', what: 'GPUs', after: '1 x H100-SXM-80GB' }),
        expect.objectContaining({ tile: 'Budget', what: 'expected total', after: changed.quote.total.expected }),
        expect.objectContaining({ tile: 'Budget', what: 'expected hours', hoursDelta: expect.stringMatching(/^-/) }),
      ]),
    );
    const total = changed.changes.find(({ what }) => what === 'expected total');
    expect(Number(total?.after) - Number(total?.before)).toBeCloseTo(Number(total?.costDelta), 6);
  });

  it('tells what moved along with a model', () => {
    const { changes } = plan({ model: 'qwen2.5-0.5b-instruct' });
    expect(changes.map(({ what }) => what)).toEqual(expect.arrayContaining(['base model', 'GPUs', 'learning rate']));
    expect(changes.find(({ what }) => what === 'expected total')?.costDelta).toMatch(/^-\d/);
  });

  it('tells that GPUs hold shards', () => {
    const whole = plan({ gpu: 'runpod/H100-SXM-80GB' });
    const cut = { ...whole, resolved: { ...whole.resolved, parallelism: 'sharded' as const } };
    expect(compareProposals(whole, cut)).toEqual([
      { tile: 'GPU', what: 'each GPU holds', before: 'the whole model', after: 'a shard of the model' },
    ]);
  });
});

describe('prices of an alternative', () => {
  it('are what the choice then costs, for every tile', () => {
    for (const tile of plan().tiles) {
      const key = tile.name.toLowerCase();
      for (const { id, available, cost } of tile.alternatives.filter((one) => one.available).slice(0, 3)) {
        const chosen = plan({ [key]: id });
        expect([key, id, available, chosen.quote.total.expected]).toEqual([key, id, true, cost]);
        expect(chosen.tiles.find(({ name }) => name === tile.name)?.choice).toBe(id);
      }
    }
  });
});

describe('an old price', () => {
  const at = (day: string) => planned({ contract, providers, dataFacts: [], now: new Date(`${day}T12:00:00Z`) });
  it('is told with its date, and changes nothing that is approved', () => {
    const [asOf] = providers.map(({ priceAsOf }) => priceAsOf).toSorted();
    const young = at(asOf ?? '');
    const old = at('2027-06-01');
    expect(young.stalePrice).toBeUndefined();
    expect(old.stalePrice?.message).toMatch(/more than 30 days ago/);
    expect(old.tiles[3]?.warnings?.join()).toContain(old.stalePrice?.message);
    expect([old.resolved, old.quote]).toEqual([young.resolved, young.quote]);
  });

  it('is never one that people declared without a date', () => {
    expect(planned({ now: new Date('2030-01-01') }).stalePrice).toBeUndefined();
  });
});
