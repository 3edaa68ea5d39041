import type { Cost, Progress, TrainingJob } from '@kriptik/crds';
import { spendAt } from '@kriptik/operator/budget/job-ledger.ts';
import { formatUsd, parseMoney } from '@kriptik/operator/money.ts';
import { budgetBar, progressBar, spendStyle } from '../render/bars.ts';
import { age, bytes, duration } from '../render/duration.ts';
import { bullets, facts, section } from '../render/section.ts';
import { sparkline } from '../render/sparkline.ts';
import { phaseStyle } from '../render/style.ts';
import { renderTable } from '../render/table.ts';
import { printable } from '../render/width.ts';
import { type Attempt, type Checkpoint, dimHeader, usd, type View } from './common.ts';
import { diagnosisLines } from './diagnosis.ts';
import { stageText } from './stage.ts';

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
    ...section('Diagnosis', diagnosisLines(status?.diagnosis ?? [], view), style),
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
      ['stage', stageText(progress)?.replace(/^stage /, '')],
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
      ['remaining', progress.etaSeconds === undefined ? undefined : etaText(progress)],
      ['on', progress.device],
      ['as of', `${age(progress.updatedAt, view.now)} ago`],
    ],
    view,
  );
}

/** `12m, between 11m and 15m`. */
export function etaText({ etaSeconds = 0, etaLowSeconds, etaHighSeconds }: Progress): string {
  if (etaLowSeconds === undefined || etaHighSeconds === undefined) return duration(etaSeconds);
  const [low, high] = [duration(etaLowSeconds), duration(etaHighSeconds)];
  return low === high ? duration(etaSeconds) : `${duration(etaSeconds)}, between ${low} and ${high}`;
}

/** `$1.10 when finished, between $1.00 and $1.30`. */
function forecastText(cost: Cost, style: View['style']): string | undefined {
  if (cost.forecast === undefined) return undefined;
  const band = bandText(cost);
  const tight = cost.forecastFits === false ? style.yellow(`, ${misfit(cost)}`) : '';
  return `${usd(cost.forecast)} when finished${band}${tight}`;
}

/** `, between $1.00 and $1.30`; empty where no band is known. */
export function bandText({ forecastLow: low, forecastHigh: high }: Cost): string {
  return low === undefined || high === undefined ? '' : `, between ${usd(low)} and ${usd(high)}`;
}

/** What the ledger adds up to at this moment, where that is more than what was written down. */
function toThisMoment({ status }: TrainingJob, view: View): string | undefined {
  const spend = spendAt(status ?? {}, view.now);
  if (spend.total <= parseMoney(status?.cost?.spent ?? '0')) return undefined;
  return `${formatUsd(spend.total)} (compute ${formatUsd(spend.compute)}, storage ${formatUsd(spend.storage)}, platform fee ${formatUsd(spend.platformFee)})`;
}

/** What the store keeps, and until when that is paid. */
function keptText({ status }: TrainingJob): string | undefined {
  const meter = status?.storage;
  if (meter === undefined || meter.bytes === 0) return undefined;
  const until = meter.until === undefined ? '' : `, paid until ${meter.until}`;
  return `${bytes(meter.bytes)} at ${usd(meter.pricePerGiBMonth)} a GiB and month${until}`;
}

/** Spend against the limit, what it is made of, and the forecast. */
export function costLines(job: TrainingJob, view: View): string[] {
  const cost = job.status?.cost;
  if (cost === undefined) return [];
  const marks = job.spec.run.contract.budget;
  const paint = spendStyle(cost.percentUsed, marks, view.style);
  const raised = cost.limit === cost.approvedLimit ? '' : ` (approved ${usd(cost.approvedLimit)})`;
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
        ['now', toThisMoment(job, view)],
        [
          'reserve',
          `${usd(cost.reserve)}, kept to save the work in time${cost.hold === undefined ? '' : ` and, ${usd(cost.hold)} of it, to keep it for a while`}`,
        ],
        ['kept', keptText(job)],
        ['rate', `${usd(cost.ratePerHour)} an hour`],
        ['forecast', forecastText(cost, view.style)],
        ['as of', `${age(cost.asOf, view.now)} ago`],
      ],
      view,
    ),
    ...bullets(cost.options ?? [], view.width),
  ];
}

/** Why a forecast does not fit. Part of the limit is kept back, so one below the limit may not fit either. */
export function misfit(cost: Cost): string {
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
