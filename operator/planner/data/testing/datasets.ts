import type { DatasetSpec } from '../../../catalog/catalog.ts';

/** Public data sets for tests, which do not depend on what the catalog happens to list. */

/** A set of English questions and answers under Apache 2.0; the given fields replace its own. */
export function makeDataset(fields: Partial<DatasetSpec> & Pick<DatasetSpec, 'id'>): DatasetSpec {
  return {
    hub: `acme/${fields.id}`,
    title: fields.id,
    modality: 'llm',
    tasks: ['question-answering', 'instruction-following'],
    languages: ['en'],
    rows: 15_000,
    split: 'train',
    tokensPerRow: 200,
    columns: ['question', 'answer'],
    shape: 'prompt-completion',
    teaches: 'Short answers to questions.',
    license: 'apache-2.0',
    commercialUse: 'yes',
    gated: false,
    personalData: 'none',
    verified: true,
    source: 'made for tests',
    asOf: '2026-11-01',
    ...fields,
  };
}

/** Sets that differ in task, language, licence and shape. */
export const datasets: readonly DatasetSpec[] = [
  makeDataset({ id: 'open-answers' }),
  makeDataset({ id: 'medical-answers', tasks: ['question-answering', 'medical'], personalData: 'possible' }),
  makeDataset({ id: 'wiki-answers', license: 'cc-by-sa-3.0' }),
  makeDataset({ id: 'nc-answers', license: 'cc-by-nc-4.0', commercialUse: 'no' }),
  makeDataset({ id: 'written-answers', license: 'mit', commercialUse: 'conditional' }),
  makeDataset({ id: 'german-answers', languages: ['de'] }),
  makeDataset({
    id: 'preferences',
    tasks: ['preference'],
    shape: 'preference',
    columns: ['prompt', 'chosen', 'rejected'],
  }),
  makeDataset({ id: 'sql', modality: 'code', tasks: ['text-to-sql'], columns: ['question', 'answer', 'context'] }),
  makeDataset({
    id: 'speech',
    modality: 'audio',
    tasks: ['speech-recognition'],
    languages: ['multilingual'],
    columns: ['audio', 'text'],
    shape: 'audio-text',
  }),
];
