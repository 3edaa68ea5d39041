import type { TrainingPlan } from '@kriptik/crds';
import { facts, section } from '../render/section.ts';
import { phaseStyle } from '../render/style.ts';
import { quoteLine, renderQuote, renderTiles } from '../render/tiles.ts';
import { printable, wrap } from '../render/width.ts';
import type { View } from './common.ts';

/** First twelve digits of a digest: enough to tell two plans apart, short enough to read aloud. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

/** The plan as a person decides on it: contract, tiles, price, approval. */
export function describePlan(plan: TrainingPlan, view: View, options: { readonly brief?: boolean } = {}): string[] {
  const { style } = view;
  const { status, spec } = plan;
  const phase = status?.phase ?? 'Pricing';
  const { approval } = status ?? {};
  const brief = options.brief === true;
  return [
    `${style.bold(`Plan ${plan.metadata.name}`)}  ${phaseStyle(style, phase)(phase)}`,
    ...facts(
      [
        ['for', `${printable(spec.contract.summary)}`],
        ['digest', status?.digest === undefined ? undefined : shortDigest(status.digest)],
        [
          'decided',
          approval === undefined
            ? undefined
            : `${approval.decision} by ${printable(approval.user)} at ${approval.at}${approval.reason === undefined ? '' : `: ${printable(approval.reason)}`}`,
        ],
        ['replaced by', status?.supersededBy],
        [
          'amends',
          spec.amends && `plan ${spec.amends.plan.name}: ${printable(spec.amends.text)} (${spec.amends.finding})`,
        ],
        ['ends', spec.amends && `job ${spec.amends.job.name}, and starts over from step 0`],
        ['assumes', brief ? undefined : spec.contract.assumptions?.map(printable).join('; ')],
      ],
      view,
    ),
    ...(brief ? briefLines(plan, view) : fullLines(plan, view)),
  ];
}

function fullLines(plan: TrainingPlan, view: View): string[] {
  const { tiles, quote } = plan.status ?? {};
  return [
    ...(tiles === undefined ? [] : ['', ...renderTiles(tiles, view)]),
    ...(quote === undefined ? [] : section('Price', renderQuote(quote, view), view.style)),
  ];
}

/** One line a tile and one for the price. */
function briefLines(plan: TrainingPlan, view: View): string[] {
  const { tiles, quote } = plan.status ?? {};
  return facts(
    [
      ...(tiles ?? []).map((tile) => [tile.name, printable(tile.title)] as const),
      ['Price', quote === undefined ? undefined : quoteLine(quote)],
    ],
    view,
  );
}

/** What a person must know before they approve a plan whose price does not fit its limit; nothing for one that fits. */
export function misfitLines(plan: TrainingPlan, { style, width }: View): string[] {
  const { quote, tiles } = plan.status ?? {};
  if (quote === undefined || quote.fits) return [];
  const told = [quote.message, ...(tiles?.find(({ name }) => name === 'Budget')?.warnings ?? [])];
  const texts = [...new Set(told.flatMap((text) => (text === undefined || text === '' ? [] : [text])))];
  const mark = style.unicode ? '▲ ' : '! ';
  return [
    '',
    style.red(style.bold(`${mark}This plan does not fit its limit`)),
    ...(texts.length === 0 ? ['It will freeze before it is finished.'] : texts).flatMap((text) =>
      wrap(printable(text), width - 2).map((line) => style.yellow(`  ${line}`)),
    ),
  ];
}
