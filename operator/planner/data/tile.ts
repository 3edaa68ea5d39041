import type { Contract, Tile } from '@kriptik/crds';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Candidate } from '../candidate.ts';
import { dataChoiceId, PASS_CHOICES, type PassChoice, passesOf } from './choice.ts';
import { licenceNotes } from './licence.ts';
import { isEuropean, personalData } from './personal.ts';
import { judgeAmount } from './sufficiency.ts';
import type { DataSummary } from './summary.ts';

type Alternative = Tile['alternatives'][number];
type Fact = Tile['facts'][number];

export interface DataTileInput {
  readonly contract: Contract;
  readonly catalog: Catalog;
  readonly data: DataSummary;
  readonly chosen: Candidate;
  /** GPUs and nodes that take rows at the same time. */
  readonly devices: number;
  /** The alternative with this id of the Data tile, priced by deciding again with it. */
  readonly priced: (id: string, title: string, summary: string) => Alternative;
}

/** What the model learns from, why that, how often it sees each row, and what to look at before approving. */
export function dataTile(input: DataTileInput): Tile {
  const { data, contract, catalog, chosen } = input;
  const { model, method, compute } = chosen;
  const amount = judgeAmount({
    modality: contract.modality,
    method,
    capability: contract.capability,
    rows: data.rows,
    ...(data.minutes !== undefined && { minutes: data.minutes }),
  });
  const personal = personalData(contract, data.datasets);
  const anywhere = compute.offer.type !== 'local' && compute.offer.type !== 'kubernetes';
  const outsideEurope = anywhere && !compute.offer.regions.some(isEuropean);
  const known = data.rowsKnown ? '' : ' (assumed)';
  const warnings = [
    ...data.warnings,
    ...(amount.advice === undefined || (!data.rowsKnown && data.minutes === undefined) ? [] : [amount.advice]),
    ...licenceNotes({ catalog, model, datasets: data.datasets, commercial: data.commercial }),
    ...data.views
      .filter(({ gated }) => gated)
      .map(
        ({ planned, dataset }) =>
          `${dataset?.title ?? planned.uri} is gated: its terms must be accepted on the Hub, and a token given.`,
      ),
    ...personal.warnings,
    ...(personal.kinds.length > 0 && outsideEurope
      ? [
          'Personal data may leave the European Union here: set spec.constraints.regions, or train on a machine of your own.',
        ]
      : []),
  ];
  return {
    name: 'Data',
    choice: dataChoiceId(data.choice),
    title: titleOf(data).slice(0, 253),
    summary: `${count(data.rows)} rows${known} to learn from, each seen about ${times(passesSeen(input))} times.`,
    reasons: [
      ...sourceReasons(data),
      passReason(data, contract.modality),
      `Enough or not: ${amount.need.source}.`,
    ].slice(0, 16),
    facts: factsOf(input, known),
    alternatives: [...datasetAlternatives(input), ...passAlternatives(input)],
    ...(warnings.length > 0 && { warnings: [...new Set(warnings)].slice(0, 16) }),
  };
}

function titleOf({ sources, datasets }: DataSummary): string {
  const [only] = sources;
  if (only === undefined) return 'No data yet';
  if (sources.length > 1) return `${sources.length} sources`;
  return datasets[0]?.title ?? only.uri;
}

function sourceReasons({ origin, proposals, sources, choice, datasets }: DataSummary): readonly string[] {
  const chosen = proposals.find(({ dataset }) => dataset.id === datasets[0]?.id);
  if (origin === 'proposed' && chosen !== undefined) {
    return [
      choice.dataset === undefined
        ? 'The goal names no data, so a public set is proposed: whoever approves this plan approves it. Name your own in spec.data.'
        : 'This set was selected.',
      chosen.because,
    ];
  }
  return [
    sources.length === 1
      ? 'The goal names this data.'
      : 'The goal names this data; rows of all sources are mixed as they are.',
    ...datasets.map(({ teaches }) => teaches),
  ];
}

function passReason({ choice, rows }: DataSummary, modality: Contract['modality']): string {
  if (choice.passes !== 'as-planned') return 'These passes were selected.';
  if (modality === 'image' || modality === 'video') {
    return `${count(rows)} examples are shown often enough to be learned, not copied.`;
  }
  return rows < 1000
    ? 'With few rows several passes are needed before answers change.'
    : 'More passes over this many rows would repeat rather than teach.';
}

function factsOf(input: DataTileInput, known: string): Fact[] {
  const { data, chosen } = input;
  const { evaluation, test } = data.heldOut;
  const licences = [...new Set(data.sources.flatMap(({ license }) => license ?? []))];
  const languages = [...new Set(data.datasets.flatMap((dataset) => dataset.languages))];
  return [
    { label: 'Rows', value: `${count(data.rows + evaluation + test)}${known}` },
    {
      label: 'Held out',
      value:
        evaluation === 0
          ? 'none: too few to spare, samples are looked at instead'
          : `${count(evaluation)} to watch training${test > 0 ? `, ${count(test)} for the end` : ''}`,
    },
    { label: 'Steps', value: String(chosen.steps) },
    ...(data.tokensPerRow > 1
      ? [{ label: 'Tokens a row', value: `${Math.round(data.tokensPerRow)}${data.tokensKnown ? '' : ' (assumed)'}` }]
      : []),
    ...(licences.length > 0 ? [{ label: 'Licence', value: licences.join(', ') }] : []),
    ...(languages.length > 0 ? [{ label: 'Languages', value: languages.slice(0, 8).join(', ') }] : []),
    ...data.views.flatMap(({ planned }) =>
      planned.mapping === undefined
        ? []
        : [
            {
              label: 'Columns',
              value: planned.mapping.columns.map(({ from, to }) => `${from} as ${to}`).join(', '),
            },
          ],
    ),
    ...(data.sources.length > 1
      ? [
          {
            label: 'Mix',
            value: data.sources
              .slice(0, 6)
              .map(
                ({ name, uri, share }) =>
                  `${name ?? uri.split('/').at(-1) ?? uri} ${Math.round(Number(share) * 100)} %`,
              )
              .join(', '),
          },
        ]
      : []),
  ];
}

/** Other public sets, those that cannot be chosen with the reason. */
function datasetAlternatives({ data, priced }: DataTileInput): Alternative[] {
  const { passes } = data.choice;
  const inUse = data.datasets[0]?.id;
  return data.proposals
    .filter(({ dataset }) => dataset.id !== inUse)
    .map(({ dataset, because, problem }) => {
      const summary = `${count(dataset.rows)} rows, licence ${dataset.license}. ${because}`;
      const id = dataChoiceId({ dataset: dataset.id, passes });
      if (problem === undefined) return priced(id, dataset.title, summary);
      return { id, title: dataset.title, summary, available: false, reason: problem.text };
    });
}

function passAlternatives({ data, priced }: DataTileInput): Alternative[] {
  const { dataset, passes } = data.choice;
  return PASS_CHOICES.filter((one) => one !== passes).map((one) => {
    const id = dataChoiceId({ ...(dataset !== undefined && { dataset }), passes: one });
    return priced(id, passTitle(one), 'The same rows.');
  });
}

function passTitle(choice: PassChoice): string {
  const passes = passesOf(choice);
  if (passes === undefined) return 'As the planner suggests';
  return `${passes} ${passes === 1 ? 'pass' : 'passes'}`;
}

function passesSeen({ chosen, data, devices }: DataTileInput): number {
  const { batchSize, gradientAccumulation } = chosen.hyperparameters;
  return (chosen.steps * batchSize * gradientAccumulation * devices) / data.rows;
}

function times(passes: number): string {
  return passes < 10 ? passes.toFixed(1) : String(Math.round(passes));
}

function count(value: number): string {
  return value.toLocaleString('en');
}
