import type { TrainingJob } from '@kriptik/crds';
import { budgetBar, progressBar, spendStyle } from '../render/bars.ts';
import { age, bytes, duration } from '../render/duration.ts';
import { bullets, facts, section } from '../render/section.ts';
import { sparkline } from '../render/sparkline.ts';
import { phaseStyle } from '../render/style.ts';
import { renderTable } from '../render/table.ts';
import { printable } from '../render/width.ts';
import { type Attempt, type Checkpoint, dimHeader, usd, type View } from './common.ts';

/** Progress, money, attempts, checkpoints, artifacts and diagnosis of a job. */
export function describeJob(job: TrainingJob, view: View): string[] {
  const { style } = view;
  const { status } = job;
  const phase = status?.phase ?? 'Pending';
  return [
    `${style.bold(`Job ${job.metadata.name}`)}  ${phaseStyle(style, phase)(phase)}`,
    ...progressLines(job, view),
    ...section('Cost', costLines(job, view), style),
    ...section('Attempts', attemptLines(status?.attempts ?? [], view), style),
    ...section('Checkpoints', checkpointLines(status?.checkpoints ?? [], view), style),
    ...section('Artifacts', artifactLines(job, view), style),
    ...section(
      'Diagnosis',
      (status?.diagnosis ?? []).flatMap((entry) =>
        bullets([`${entry.code}: ${entry.message} Remedy: ${entry.remedy}`], view.width),
      ),
      style,
    ),
  ];
}

/** Losses of the summary, oldest first. */
export function lossesOf(job: TrainingJob): number[] {
  return (job.status?.progress?.lossHistory ?? []).map(Number).filter(Number.isFinite);
}

/** `last` before `first`: `2.31 -> 0.84`. */
export function lossTrend(losses: readonly number[]): string {
  const [first] = losses;
  const last = losses.at(-1);
  return first === undefined || last === undefined ? '' : `${first.toFixed(3)} to ${last.toFixed(3)}`;
}

function progressLines(job: TrainingJob, view: View): string[] {
  const progress = job.status?.progress;
  if (progress === undefined) return [];
  const losses = lossesOf(job);
  const bar = progressBar(progress.percent / 100, 30, view.style);
  return facts(
    [
      ['progress', `${bar} ${progress.percent} %, step ${progress.step} of ${progress.totalSteps}`],
      [
        'loss',
        progress.loss === undefined
          ? undefined
          : `${progress.loss}  ${sparkline(losses, 40, view.style.unicode)}  ${lossTrend(losses)}`,
      ],
      [
        'speed',
        progress.secondsPerStep === undefined
          ? undefined
          : `${progress.secondsPerStep} s a step${progress.tokensPerSecond === undefined ? '' : `, ${progress.tokensPerSecond} tokens/s`}`,
      ],
      ['remaining', progress.etaSeconds === undefined ? undefined : duration(progress.etaSeconds)],
      ['on', progress.device],
      ['as of', `${age(progress.updatedAt, view.now)} ago`],
    ],
    view,
  );
}

/** Spend against the limit, what it is made of, and the forecast. */
export function costLines(job: TrainingJob, view: View): string[] {
  const cost = job.status?.cost;
  if (cost === undefined) return [];
  const marks = job.spec.run.contract.budget;
  const paint = spendStyle(cost.percentUsed, marks, view.style);
  const raised = cost.limit === cost.approvedLimit ? '' : ` (approved ${usd(cost.approvedLimit)})`;
  const forecast =
    cost.forecast === undefined
      ? undefined
      : `${usd(cost.forecast)} when finished${cost.forecastFits === false ? view.style.yellow(`, ${misfit(cost)}`) : ''}`;
  return [
    ...facts(
      [
        [
          'spent',
          `${budgetBar(cost.percentUsed, marks, 30, view.style)} ${paint(`${usd(cost.spent)} of ${usd(cost.limit)}, ${cost.percentUsed} %`)}${raised}`,
        ],
        [
          'made of',
          `compute ${usd(cost.compute)}, storage ${usd(cost.storage)}, platform fee ${usd(cost.platformFee)}`,
        ],
        ['reserve', `${usd(cost.reserve)}, kept to save the work in time`],
        ['rate', `${usd(cost.ratePerHour)} an hour`],
        ['forecast', forecast],
        ['as of', `${age(cost.asOf, view.now)} ago`],
      ],
      view,
    ),
    ...bullets(cost.options ?? [], view.width),
  ];
}

/** Why a forecast does not fit. Part of the limit is kept back, so one below the limit may not fit either. */
export function misfit(cost: NonNullable<NonNullable<TrainingJob['status']>['cost']>): string {
  return Number(cost.forecast) > Number(cost.limit)
    ? 'more than the limit'
    : `does not fit: ${usd(cost.reserve)} of the limit are kept back to save the work`;
}

function attemptLines(attempts: readonly Attempt[], view: View): string[] {
  if (attempts.length === 0) return [];
  const rows = attempts.map((attempt) => [
    String(attempt.number),
    attempt.state,
    attempt.outcome ?? attempt.stopReason ?? '-',
    printable(attempt.provider),
    `${usd(attempt.unitPricePerHour)}/h`,
    attempt.resumedFromStep > 0
      ? `${attempt.resumedFromStep}-${attempt.lastStep ?? '?'}`
      : `0-${attempt.lastStep ?? '?'}`,
    duration(
      ((attempt.goneAt === undefined ? view.now : Date.parse(attempt.goneAt)) - Date.parse(attempt.createdAt)) / 1000,
    ),
    usd(attempt.cost),
  ]);
  const columns = [
    { title: 'NUMBER' },
    { title: 'STATE' },
    { title: 'OUTCOME' },
    { title: 'PROVIDER' },
    { title: 'RATE' },
    { title: 'STEPS' },
    { title: 'BILLED' },
    { title: 'COST' },
  ];
  return dimHeader(renderTable(columns, rows, { indent: '  ' }), view.style);
}

/** Checkpoints, newest last. */
export function checkpointLines(checkpoints: readonly Checkpoint[], view: View): string[] {
  if (checkpoints.length === 0) return [];
  const rows = checkpoints.map((checkpoint) => [
    String(checkpoint.step),
    checkpoint.reason,
    checkpoint.verifiedAt === undefined ? 'no' : 'yes',
    bytes(checkpoint.sizeBytes),
    age(checkpoint.createdAt, view.now),
    printable(checkpoint.uri),
  ]);
  const columns = [
    { title: 'STEP' },
    { title: 'REASON' },
    { title: 'VERIFIED' },
    { title: 'SIZE' },
    { title: 'AGE' },
    { title: 'URI' },
  ];
  return dimHeader(renderTable(columns, rows, { indent: '  ' }), view.style);
}

function artifactLines(job: TrainingJob, view: View): string[] {
  const artifacts = job.status?.artifacts ?? [];
  if (artifacts.length === 0) return [];
  const rows = artifacts.map((artifact) => [
    artifact.name,
    bytes(artifact.sizeBytes),
    artifact.verifiedAt === undefined ? 'no' : 'yes',
    printable(artifact.uri),
  ]);
  return dimHeader(
    renderTable([{ title: 'NAME' }, { title: 'SIZE' }, { title: 'VERIFIED' }, { title: 'URI' }], rows, {
      indent: '  ',
    }),
    view.style,
  );
}
