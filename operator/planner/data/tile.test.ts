import type { Tile } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { findModel } from '../../catalog/lookup.ts';
import { mergePolicies } from '../policy.ts';
import { makeContract, planned, rented, catalog as shipped } from '../test-builders.ts';
import type { RecommendInput } from '../types.ts';
import { licenceNotes } from './licence.ts';
import { datasets, makeDataset } from './testing/datasets.ts';

const catalog = { ...shipped, datasets };
const europe = rented('RTX-4090-24GB', '0.69', { regions: ['EU-RO-1'] });

function dataTile(fields: Partial<RecommendInput> = {}): Tile {
  const { tiles } = planned({ catalog, providers: [europe], dataFacts: [], ...fields });
  return tiles.find(({ name }) => name === 'Data') ?? raise();
}
function raise(): never {
  throw new Error('a plan has a Data tile');
}
const fact = ({ facts }: Tile, label: string): string | undefined => facts.find((one) => one.label === label)?.value;

describe('the Data tile', () => {
  it('of a goal without data says that the set is proposed, why, and what else could be', () => {
    const tile = dataTile({
      contract: makeContract({ data: [], goalText: 'Answer questions about the world.' }, '50.00'),
    });
    expect(tile.title).toBe('open-answers');
    expect(tile.reasons.join(' ')).toMatch(/a public set is proposed.*Short answers to questions/);
    expect([fact(tile, 'Licence'), fact(tile, 'Held out')]).toEqual([
      'apache-2.0',
      '500 to watch training, 500 for the end',
    ]);
    const open = tile.alternatives.filter(({ available }) => available).map(({ id }) => id);
    expect(open).toEqual(expect.arrayContaining(['wiki-answers', 'written-answers', 'epochs-2']));
    expect(tile.alternatives.find(({ id }) => id === 'nc-answers')).toMatchObject({
      available: false,
      reason: expect.stringMatching(/may not be used commercially/),
    });
  });

  it('names the rule of the policy that forbids an alternative', () => {
    const policy = mergePolicies([{ name: 'legal', spec: { licenses: { denied: ['cc-by-sa-3.0'] } } }]);
    const tile = dataTile({ contract: makeContract({ data: [] }, '50.00'), policy });
    const reason = tile.alternatives.find(({ id }) => id === 'wiki-answers')?.reason;
    expect(reason).toMatch(/TrainingPolicy\/legal spec\.licenses\.denied denies the licence cc-by-sa-3\.0/);
  });

  it('offers passes over the set that was selected', () => {
    const contract = makeContract({ data: [] }, '50.00');
    const tile = dataTile({ contract, selection: { data: 'wiki-answers/epochs-2' } });
    expect(tile.choice).toBe('wiki-answers/epochs-2');
    expect(tile.alternatives.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['wiki-answers', 'wiki-answers/epochs-3']),
    );
    expect(tile.warnings?.join()).toMatch(/share-alike/);
  });

  it.each([
    ['in Europe', europe, false],
    ['elsewhere', rented('RTX-4090-24GB', '0.69', { regions: ['US-KS-2'] }), true],
    ['anywhere', rented('RTX-4090-24GB', '0.69'), true],
  ])('warns of personal data, and of the region where a machine stands %s', (_place, offer, leaves) => {
    const data = [{ uri: 's3://bucket/mails.jsonl', rows: 2000 }];
    const contract = makeContract({ data, goalText: 'Answer like our past customer e-mails.' }, '50.00');
    const warnings = dataTile({ contract, providers: [offer] }).warnings?.join(' ') ?? '';
    expect(warnings).toMatch(/Personal data: the goal points at messages of customers/);
    expect(/may leave the European Union/.test(warnings)).toBe(leaves);
  });

  it('tells too few examples with what would help', () => {
    const data = [{ uri: 's3://bucket/few.jsonl', rows: 20 }];
    const tile = dataTile({ contract: makeContract({ data }, '50.00') });
    expect(tile.warnings?.join()).toMatch(/20 examples are too few/);
    expect(fact(tile, 'Held out')).toMatch(/too few to spare/);
  });
});

describe('licences of model and data together', () => {
  const llama = findModel(shipped, 'llama-3.1-8b-instruct') ?? raise();
  const open = { title: 'A model', license: 'apache-2.0', commercialUse: 'yes' } as const;
  const of = (id: string) => datasets.filter((row) => row.id === id);
  it.each([
    [
      'data for research in a product',
      { model: open, datasets: of('nc-answers'), commercial: true },
      /Conflict: nc-answers may not be used commercially/,
    ],
    [
      'data for research in research',
      { model: open, datasets: of('nc-answers'), commercial: false },
      /result may not be used commercially/,
    ],
    ['share-alike data', { model: open, datasets: of('wiki-answers'), commercial: true }, /carries the same licence/],
    [
      "another provider's words",
      { model: open, datasets: of('written-answers'), commercial: true },
      /forbid training a model that competes/,
    ],
    ['a Llama', { model: llama, datasets: [], commercial: true }, /name of the result begin with "Llama"/],
    [
      'a model for research on open data',
      {
        model: { ...open, commercialUse: 'no' as const, license: 'cc-by-nc-4.0' },
        datasets: of('open-answers'),
        commercial: true,
      },
      /the stricter one counts/,
    ],
    [
      'data whose authors are named',
      { model: open, datasets: [makeDataset({ id: 'by', license: 'cc-by-4.0' })], commercial: true },
      /by \(cc-by-4\.0\): name the authors/,
    ],
  ])('%s', (_case, input, want) => {
    expect(licenceNotes({ catalog, ...input }).join(' ')).toMatch(want);
  });

  it('that ask for nothing are not told', () => {
    expect(licenceNotes({ catalog, model: open, datasets: of('open-answers'), commercial: true })).toEqual([]);
  });
});
