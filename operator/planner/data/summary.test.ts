import type { Contract, TrainingPolicySpec } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { contract as valid } from '../../../test/integration/crds/valid-plan.ts';
import { loadCatalog } from '../../catalog/catalog.ts';
import { mergePolicies } from '../policy.ts';
import type { DataFacts } from '../types.ts';
import { type DataOptions, type DataSummary, dataProblem, summarizeData } from './summary.ts';
import { datasets } from './testing/datasets.ts';

const catalog = { ...loadCatalog(), datasets };

const contract = (fields: Partial<Contract> = {}): Contract => {
  const { datasetHint: _hint, ...rest } = valid;
  return {
    ...rest,
    goalText: 'Answer questions about the world for our product.',
    summary: 'Answers questions.',
    modality: 'llm',
    capability: 'question-answering',
    methods: ['lora'],
    constraints: {},
    data: [],
    ...fields,
  };
};

function summary(fields: Partial<Contract> = {}, options: DataOptions = {}, facts: DataFacts[] = []): DataSummary {
  const result = summarizeData(contract(fields), facts, { catalog, ...options });
  if ('noData' in result) throw new Error(result.noData.message);
  return result;
}

function noData(fields: Partial<Contract>, spec: TrainingPolicySpec = {}) {
  const policy = mergePolicies([{ name: 'legal', spec }]);
  const result = summarizeData(contract(fields), [], { catalog, policy });
  if (!('noData' in result)) throw new Error(`expected no data, got ${result.sources.map(({ uri }) => uri).join()}`);
  return result.noData;
}

describe('data that the goal names', () => {
  const uri = 'file:///srv/helpdesk.jsonl';

  it('is taken as it is, and counted figures win over stated ones', () => {
    const data = summary({ data: [{ uri, rows: 900 }] }, {}, [
      { uri, rows: 280, tokensPerRow: 60, longestRow: 110, sha256: 'ab'.repeat(32) },
    ]);
    expect(data).toMatchObject({ origin: 'stated', rows: 252, tokensPerRow: 60, longestRow: 110, rowsKnown: true });
    expect(data.sources).toEqual([
      {
        uri,
        rows: 900,
        sha256: 'ab'.repeat(32),
        rowsEstimate: 280,
        tokensEstimate: 16_800,
        heldOut: { evalShare: '0.1', testShare: '0', seed: 7 },
      },
    ]);
    expect(data.proposals).toEqual([]);
  });

  it('is assumed where nobody knows its size, and says so', () => {
    const data = summary({ data: [{ uri }] });
    expect(data.rowsKnown).toBe(false);
    expect(data.warnings.join()).toMatch(/1000 are assumed.*spec\.data\[\]\.rows/);
  });

  it('takes its size from the words where it is one source', () => {
    const voice = { modality: 'audio', capability: 'voice-clone', methods: ['voice-clone'] } as const;
    const said = { ...voice, methods: [...voice.methods], goalText: 'Clone my voice, I have 45 minutes of audio' };
    const one = summary({ ...said, data: [{ uri: 's3://b/voice' }] });
    expect([one.minutes, one.rowsKnown, one.rows]).toEqual([45, true, 243]);
    expect(summary({ ...said, data: [{ uri: 's3://b/a' }, { uri: 's3://b/b' }] }).rowsKnown).toBe(false);
  });

  it('is looked up where the catalog knows it', () => {
    const data = summary({ data: [{ uri: 'hf://datasets/acme/open-answers' }] });
    expect(data.sources[0]).toMatchObject({ rowsEstimate: 15_000, license: 'apache-2.0' });
    expect(data.heldOut).toEqual({ evaluation: 500, test: 500 });
  });

  it('is mixed by rows, and what drowns or repeats is told', () => {
    const data = summary({
      data: [
        { uri, rows: 9800 },
        { uri: 's3://b/few.jsonl', rows: 200, name: 'few' },
        { uri, rows: 9800 },
      ],
    });
    expect(data.sources.map(({ share }) => share)).toEqual(['0.494949', '0.010101', '0.494949']);
    expect(data.warnings.join()).toMatch(/few makes up 1\.0 % of the rows/);
    expect(data.warnings.join()).toMatch(/are the same data: its rows count twice/);
  });

  it('under a licence that a policy denies is forbidden by name of the rule', () => {
    const found = noData(
      { data: [{ uri: 'hf://datasets/acme/nc-answers' }] },
      { licenses: { denied: ['cc-by-nc-4.0'] } },
    );
    expect(found).toMatchObject({
      reason: 'ForbiddenByPolicy',
      rules: [{ policy: 'legal', path: 'spec.licenses.denied' }],
    });
    expect(found.message).toMatch(/acme\/nc-answers.*TrainingPolicy\/legal spec\.licenses\.denied denies the licence/);
  });

  it('is pinned to the commit and under the licence that the Hub tells', () => {
    const hub = 'hf://datasets/acme/open-answers';
    const fact = { uri: hub, revision: 'c'.repeat(40), license: 'mit', gated: true };
    const data = summary({ data: [{ uri: hub, revision: 'main' }] }, {}, [fact]);
    expect(data.sources[0]).toMatchObject({ revision: 'c'.repeat(40), license: 'mit' });
    expect(data.views[0]?.gated).toBe(true);
  });

  it('has columns that the trainer does not know: the renaming is planned and told', () => {
    const data = summary({ data: [{ uri, rows: 500 }] }, {}, [{ uri, rows: 500, columns: ['query', 'response'] }]);
    expect(data.sources[0]?.mapping?.columns).toEqual([
      { from: 'query', to: 'prompt' },
      { from: 'response', to: 'completion' },
    ]);
    expect(data.warnings.join()).toMatch(/the trainer does not rename columns/);
  });
});

describe('a goal without data', () => {
  const ids = ({ proposals }: DataSummary): string[] => proposals.map(({ dataset }) => dataset.id);

  it('gets the best fitting public set, with others to choose from', () => {
    const data = summary();
    expect(data.origin).toBe('proposed');
    expect(data.sources[0]).toMatchObject({
      name: 'open-answers',
      uri: 'hf://datasets/acme/open-answers',
      format: 'hub',
    });
    expect(ids(data)).toEqual(['open-answers', 'wiki-answers', 'written-answers', 'medical-answers', 'nc-answers']);
    expect(data.proposals.at(-1)?.problem?.text).toMatch(/may not be used commercially \(licence cc-by-nc-4\.0\)/);
  });

  it.each([
    {
      case: 'its field of knowledge',
      fields: { goalText: 'Answer medical questions for our product' },
      want: 'medical-answers',
    },
    {
      case: 'its language',
      fields: { goalText: 'Beantworte die Fragen mit der Stimme eines Lehrers und nicht anders' },
      want: 'german-answers',
    },
    {
      case: 'a named language',
      fields: { goalText: 'A bot that answers questions in German' },
      want: 'german-answers',
    },
    { case: 'its method', fields: { methods: ['dpo' as const], capability: 'alignment' }, want: 'preferences' },
    { case: 'its task', fields: { modality: 'code' as const, capability: 'text-to-sql' }, want: 'sql' },
    { case: 'its modality', fields: { modality: 'audio' as const, capability: 'speech-recognition' }, want: 'speech' },
    {
      case: 'its base model',
      fields: { modality: 'audio' as const, capability: 'audio-generation', model: 'whisper-large-v3' },
      want: 'speech',
    },
  ])('gets a set by $case', ({ fields, want }) => {
    expect(summary(fields).datasets[0]?.id).toBe(want);
  });

  it('may use data for research only where the goal says that it is research', () => {
    const data = summary({ goalText: 'Answer questions; this is for my thesis, non-commercial research.' });
    expect(data.proposals.every(({ problem }) => problem === undefined)).toBe(true);
  });

  it('takes the set that was selected, with its passes', () => {
    const data = summary({}, { choice: 'wiki-answers/epochs-2' });
    expect([data.datasets[0]?.id, data.choice]).toEqual([
      'wiki-answers',
      { dataset: 'wiki-answers', passes: 'epochs-2' },
    ]);
    expect(() => summary({}, { choice: 'nc-answers' })).toThrow('spec.selection.data: "nc-answers"');
  });

  it('leaves out licences that a policy does not list, and names the rule', () => {
    const policy = mergePolicies([{ name: 'legal', spec: { licenses: { allowed: ['cc-by-sa-3.0'] } } }]);
    const data = summary({}, { policy });
    expect(data.datasets[0]?.id).toBe('wiki-answers');
    expect(data.proposals.find(({ dataset }) => dataset.id === 'open-answers')?.problem).toMatchObject({
      reason: 'ForbiddenByPolicy',
      rule: { policy: 'legal', path: 'spec.licenses.allowed' },
    });
  });

  it.each([
    {
      case: 'tickets of its own',
      fields: { datasetHint: 'our support tickets' },
      want: /data of your own \(our support tickets\)/,
    },
    {
      case: 'one voice',
      fields: { modality: 'audio' as const, capability: 'voice-clone', methods: ['voice-clone' as const] },
      want: /consent of the speaker/,
    },
    {
      case: 'one subject',
      fields: { modality: 'image' as const, capability: 'subject-image', methods: ['dreambooth' as const] },
      want: /one subject/,
    },
    {
      case: 'something nobody has data for',
      fields: { capability: 'gui-grounding' },
      want: /none that teaches gui-grounding/,
    },
  ])('about $case asks for it', ({ fields, want }) => {
    const found = noData(fields);
    expect(found.reason).toBe('NoData');
    expect(found.message).toMatch(want);
    expect(found.remedy).toContain('spec.data');
  });

  it('is not given what the trainer cannot read', () => {
    const odd = datasets.map((row) => (row.id === 'sql' ? { ...row, columns: ['question', 'sql'] } : row));
    const sql = { modality: 'code' as const, capability: 'text-to-sql' };
    const found = summarizeData(contract(sql), [], { catalog: { ...catalog, datasets: odd } });
    expect('noData' in found && found.noData.message).toMatch(/write "question" as "prompt", "sql" as "completion"/);
  });

  it('is not given data about something else', () => {
    const found = noData({ capability: 'summarization', goalText: 'Summaries of court rulings' });
    expect(found.message).toMatch(/none that teaches summarization/);
  });

  it('whose every set a policy forbids says which rule does', () => {
    const found = noData({ modality: 'code', capability: 'text-to-sql' }, { licenses: { allowed: [] } });
    expect(found.reason).toBe('ForbiddenByPolicy');
    expect(found.rules).toEqual([{ policy: 'legal', path: 'spec.licenses.allowed' }]);
  });
});

describe('what a method can learn from', () => {
  const pairs: Partial<Contract> = { methods: ['dpo'], capability: 'alignment' };
  it.each([
    { method: 'dpo' as const, fields: {}, want: /DPO needs pairs/ },
    { method: 'lora' as const, fields: {}, want: undefined },
    { method: 'lora' as const, fields: pairs, want: /DPO learns from/ },
    { method: 'dpo' as const, fields: pairs, want: undefined },
  ])('$method: $want', ({ method, fields, want }) => {
    const problem = dataProblem(summary(fields), method);
    if (want === undefined) expect(problem).toBeUndefined();
    else expect(problem).toMatch(want);
  });
});
