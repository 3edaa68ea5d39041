import type { Fitted } from '@kriptik/operator/catalog/speeds-schema.ts';
import type { Calibration, Errors } from './calibrate.ts';
import { SLICES } from './calibrate.ts';

/** Line of speeds.yaml from which on the script writes. */
export const YAML_MARK = '# --- written by tools/calibrate/fit.ts: do not edit ---';
/** Lines of docs/estimates.md between which the script writes. */
export const DOC_MARKS = [
  '<!-- written by tools/calibrate/fit.ts: begin -->',
  '<!-- written by tools/calibrate/fit.ts: end -->',
] as const;

/** speeds.yaml with these constants. Throws where the mark is missing. */
export function withConstants(yaml: string, fitted: Fitted): string {
  const at = yaml.indexOf(YAML_MARK);
  if (at === -1) throw new Error(`speeds.yaml lacks the line "${YAML_MARK}"`);
  const lines = Object.entries(fitted).map(([name, value]) =>
    name === 'spread'
      ? `  spread:\n${Object.entries(fitted.spread)
          .map(([kind, { low, high }]) => `    ${kind}: { low: ${low}, high: ${high} }`)
          .join('\n')}`
      : `  ${name}: ${typeof value === 'number' ? value : flow(value as Readonly<Record<string, number>>)}`,
  );
  return `${yaml.slice(0, at)}${YAML_MARK}\nfitted:\n${lines.join('\n')}\n`;
}

function flow(values: Readonly<Record<string, number>>): string {
  return `{ ${Object.entries(values)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')} }`;
}

/** docs/estimates.md with this calibration between its marks. Throws where they are missing. */
export function withReport(doc: string, calibration: Calibration): string {
  const [begin, end] = DOC_MARKS;
  const from = doc.indexOf(begin);
  const to = doc.indexOf(end);
  if (from === -1 || to < from) throw new Error(`docs/estimates.md lacks the lines "${begin}" and "${end}"`);
  return `${doc.slice(0, from)}${begin}\n${reportOf(calibration)}\n${doc.slice(to)}`;
}

const KINDS = {
  all: 'all',
  language: 'language models, vision-language models',
  latent: 'pictures, video',
} as const;

function reportOf({ fitted, half, drawn, bySource, memory, sound }: Calibration): string {
  const outside = memory.filter(({ ratio }) => ratio < 1 || ratio > 1.3);
  return [
    'Error is |predicted / published - 1|.',
    '',
    '| work | fitted half: rows | median | p90 | held-out half: rows | median | p90 |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...SLICES.map((slice) => `| ${KINDS[slice]} | ${cells(half[slice].fitted)} | ${cells(half[slice].held)} |`),
    '',
    `Halves drawn at random instead, ${drawn.length} times: held-out median ${percent(Math.min(...drawn.map(({ median }) => median)))} to ${percent(Math.max(...drawn.map(({ median }) => median)))}.`,
    '',
    'Every source predicted by constants fitted to all the others:',
    '',
    '| source | rows | median | p90 |',
    '| --- | ---: | ---: | ---: |',
    ...bySource.map((row) => `| ${row.source} | ${cells(row)} |`),
    '',
    'Sound, where each family takes its constant from its own run, so that these are no test:',
    '',
    '| run | published | estimate over published |',
    '| --- | ---: | ---: |',
    ...sound.map(
      ({ sample: { row }, ratio }) =>
        `| ${row.note}, ${row.gpu} | ${row.value} ${row.quantity} | ${ratio.toFixed(2)} |`,
    ),
    '',
    'Constants:',
    '',
    '| constant | value |',
    '| --- | --- |',
    ...Object.entries(fitted).map(([name, value]) => `| ${name} | ${valueText(value)} |`),
    '',
    `Memory: ${memory.length - outside.length} of ${memory.length} measured peaks lie between 1 and 1.3 times below the estimate.`,
    ...(outside.length === 0 ? [] : ['Outside:', '']),
    ...outside.map(
      ({ sample: { row }, ratio }) =>
        `- ${row.method} ${row.billions}B, rows of ${row.sequence ?? '-'} tokens: ${ratio.toFixed(2)} times the measured ${row.value} (${row.note})`,
    ),
  ].join('\n');
}

function cells({ rows, median, p90 }: Errors): string {
  return `${rows} | ${percent(median)} | ${percent(p90)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function valueText(value: Fitted[keyof Fitted]): string {
  if (typeof value === 'number') return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${typeof part === 'number' ? part : `${part.low}-${part.high}`}`)
    .join(', ');
}
