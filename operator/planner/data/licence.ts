import type { Catalog, DatasetSpec, ModelSpec } from '../../catalog/catalog.ts';
import { findLicense } from '../../catalog/lookup.ts';

/** Licences whose models must be named in what is made of them. */
const NAMING: readonly (readonly [RegExp, string])[] = [
  [
    /^llama-?3/,
    'The Llama licence asks that the name of the result begin with "Llama", and that "Built with Llama" be shown where it is used.',
  ],
  [
    /^llama-?2/,
    'The Llama 2 licence asks for its notice with every copy, and does not let its output improve models other than Llama.',
  ],
  [/^gemma/, "The Gemma terms ask that Google's use restrictions be passed on with the result."],
];

export interface LicenceInput {
  readonly catalog: Catalog;
  readonly model: Pick<ModelSpec, 'title' | 'license' | 'commercialUse'>;
  /** Public data sets of the plan. */
  readonly datasets: readonly DatasetSpec[];
  readonly commercial: boolean;
}

/** What the licences of data and model, together, ask of the result: each a sentence, the firmest first. */
export function licenceNotes({ catalog, model, datasets, commercial }: LicenceInput): readonly string[] {
  const forbidden = datasets.filter(({ commercialUse }) => commercialUse === 'no');
  const names = (rows: readonly DatasetSpec[]): string => rows.map(({ title }) => title).join(', ');
  const alike = datasets.filter(({ license }) => findLicense(catalog, license)?.shareAlike === true);
  const written = datasets.filter((row) => writtenByModel(row, catalog));
  const conditional = datasets.filter(
    (row) =>
      !alike.includes(row) && !written.includes(row) && !forbidden.includes(row) && conditionsOf(row, catalog) !== '',
  );
  return [
    ...(forbidden.length > 0 && commercial
      ? [
          `Conflict: ${names(forbidden)} may not be used commercially (${licenses(forbidden)}), so neither may the result.`,
        ]
      : []),
    ...(forbidden.length > 0 && !commercial
      ? [`The result may not be used commercially: ${names(forbidden)} forbids it (${licenses(forbidden)}).`]
      : []),
    ...(model.commercialUse === 'no' && datasets.some(({ commercialUse }) => commercialUse === 'yes')
      ? [`The data would allow commercial use, ${model.title} does not (${model.license}): the stricter one counts.`]
      : []),
    ...written.map(
      (row) =>
        `${row.title} was written with another provider's model: its terms may forbid training a model that competes with it. Have that checked before selling the result.`,
    ),
    ...alike.map(
      (row) =>
        `${row.title} is share-alike (${row.license}): data made from it carries the same licence; whether weights do is not settled. Name the authors.`,
    ),
    ...conditional.map((row) => `${row.title} (${row.license}): ${conditionsOf(row, catalog)}.`),
    ...NAMING.filter(([licence]) => licence.test(model.license)).map(([, note]) => note),
  ];
}

/** A row says less about commercial use than its licence does where a model of somebody else wrote it. */
function writtenByModel(row: DatasetSpec, catalog: Catalog): boolean {
  return row.commercialUse === 'conditional' && findLicense(catalog, row.license)?.commercialUse === 'yes';
}

function conditionsOf(row: DatasetSpec, catalog: Catalog): string {
  return findLicense(catalog, row.license)?.conditions ?? '';
}

function licenses(rows: readonly DatasetSpec[]): string {
  return [...new Set(rows.map(({ license }) => license))].join(', ');
}
