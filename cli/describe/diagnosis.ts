import type { TrainingJob } from '@kriptik/crds';
import { age } from '../render/duration.ts';
import { bullets } from '../render/section.ts';
import type { View } from './common.ts';

type Finding = NonNullable<NonNullable<TrainingJob['status']>['diagnosis']>[number];

/** Findings with their figures and ways out: those that hold first, those that went away in one line each. */
export function diagnosisLines(findings: readonly Finding[], view: View): string[] {
  const holding = findings.filter(({ resolvedAt }) => resolvedAt === undefined);
  const past = findings.filter(({ resolvedAt }) => resolvedAt !== undefined);
  return [
    ...holding.flatMap((finding) => findingLines(finding, view)),
    ...past.flatMap(({ code, message, resolvedAt = '' }) =>
      bullets([view.style.dim(`${code}, over since ${age(resolvedAt, view.now)}: ${message}`)], view.width),
    ),
  ];
}

function findingLines({ code, severity, message, evidence, remedies, remedy, at }: Finding, view: View): string[] {
  const { style, width } = view;
  const paint = severity === 'Error' ? style.red : severity === 'Info' ? style.dim : style.yellow;
  const ways = remedies?.map(({ text, change, costsMore }) => {
    const effect = change === undefined ? '' : ` (${change})`;
    return `${text}${effect}${costsMore ? ', may cost more' : ''}`;
  });
  return [
    ...bullets([`${paint(code)}, ${age(at, view.now)} ago: ${message}`], width),
    ...indented(
      bullets(
        (evidence ?? []).map((line) => `seen: ${line}`),
        width - 2,
      ),
    ),
    ...indented(
      bullets(
        (ways ?? [remedy]).map((line) => `do: ${line}`),
        width - 2,
      ),
    ),
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
