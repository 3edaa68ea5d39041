import { eventTime, type KubeEvent, usd } from '../describe/common.ts';
import { stageText } from '../describe/stage.ts';
import { duration } from '../render/duration.ts';
import { printable } from '../render/width.ts';
import { eventKey, isPhase, messageOf, phaseOf, type Snapshot } from './snapshot.ts';

/** Progress is told again when it moved by this many percent, so that a log stays short. */
const STEP_PERCENT = 5;

/** A warning that says the same with other numbers is not told again within this time, in ms. */
const REPEAT_MS = 5 * 60_000;

/** What has been told so far; start with {@link firstLine}. */
export interface Told {
  readonly phase: string;
  readonly percent: number;
  readonly attempt: number;
  readonly checkpoint: number;
  readonly limit: string;
  readonly trouble: string | undefined;
  readonly events: ReadonlySet<string>;
  /** When a warning of this object, reason and wording was told last, epoch ms. */
  readonly warnings: ReadonlyMap<string, number>;
}

/** One line of where things stand as a watch begins. What happened before is not told. */
export function firstLine(snapshot: Snapshot): { readonly line: string; readonly told: Told } {
  const { story } = snapshot;
  const phase = phaseOf(story);
  const running = story.job?.status?.progress !== undefined;
  const standing = running ? `${phase}, ${progressText(snapshot)}` : phaseText(snapshot);
  const warnings = story.events.filter(({ type }) => type === 'Warning');
  return {
    line: `${story.goal.metadata.name}: ${standing}`,
    told: {
      phase,
      percent: running ? percentOf(snapshot) : -STEP_PERCENT,
      attempt: attemptOf(snapshot)?.number ?? 0,
      checkpoint: newestStep(snapshot),
      limit: story.job?.status?.cost?.limit ?? '',
      trouble: snapshot.trouble,
      events: new Set(story.events.map(eventKey)),
      warnings: new Map(warnings.map((event) => [wording(event), eventTime(event)])),
    },
  };
}

/** The lines that are news in this snapshot, one plain line a change, and what has then been told. */
export function changeLines(
  told: Told,
  snapshot: Snapshot,
): { readonly lines: readonly string[]; readonly told: Told } {
  const { story, trouble } = snapshot;
  const { goal, job } = story;
  const lines: string[] = [];
  const name = goal.metadata.name;
  if (trouble !== told.trouble) lines.push(trouble === undefined ? `${name}: all well again` : `${name}: ${trouble}`);

  const fresh = story.events
    .filter((event) => !told.events.has(eventKey(event)))
    .sort((a, b) => eventTime(a) - eventTime(b));
  const warnings = new Map(told.warnings);
  for (const event of fresh) {
    // A change of phase is told below, once, also where several objects report it.
    if (isPhase(event.reason)) continue;
    const last = warnings.get(wording(event)) ?? Number.NEGATIVE_INFINITY;
    if (eventTime(event) - last >= REPEAT_MS) lines.push(eventLine(event));
    if (event.type === 'Warning') warnings.set(wording(event), Math.max(last, eventTime(event)));
  }

  const attempt = attemptOf(snapshot);
  if ((attempt?.number ?? 0) > told.attempt)
    lines.push(
      `${name}: attempt ${attempt?.number} on ${printable(attempt?.provider ?? '')} at ${usd(attempt?.unitPricePerHour)} an hour, from step ${attempt?.resumedFromStep ?? 0}`,
    );

  const limit = job?.status?.cost?.limit ?? '';
  if (told.limit !== '' && limit !== '' && limit !== told.limit)
    lines.push(`${name}: limit ${usd(told.limit)} -> ${usd(limit)}`);

  const checkpoint = newestStep(snapshot);
  if (checkpoint > told.checkpoint) lines.push(`${name}: checkpoint at step ${checkpoint}`);

  const percent = percentOf(snapshot);
  const moved =
    job?.status?.progress !== undefined &&
    (Math.abs(percent - told.percent) >= STEP_PERCENT || (percent === 100 && told.percent !== 100));
  if (moved) lines.push(`${name}: ${progressText(snapshot)}`);

  const phase = phaseOf(story);
  if (phase !== told.phase) lines.push(`${name}: ${phaseText(snapshot)}`);

  return {
    lines,
    told: {
      phase,
      percent: moved ? percent : told.percent,
      attempt: Math.max(attempt?.number ?? 0, told.attempt),
      checkpoint: Math.max(checkpoint, told.checkpoint),
      limit: limit === '' ? told.limit : limit,
      trouble,
      events: new Set([...told.events, ...fresh.map(eventKey)]),
      warnings,
    },
  };
}

const attemptOf = ({ story }: Snapshot) => story.job?.status?.attempts?.at(-1);
const percentOf = ({ story }: Snapshot): number => story.job?.status?.progress?.percent ?? 0;

function newestStep({ story }: Snapshot): number {
  return Math.max(-1, ...(story.job?.status?.checkpoints ?? []).map(({ step }) => step));
}

function objectOf(event: KubeEvent): string {
  const { kind = '', name = '' } = event.involvedObject ?? {};
  return `${kind.replace('Training', '').toLowerCase()}/${name}`;
}

/** What a warning says with its numbers left out. */
export function wording(event: KubeEvent): string {
  return [objectOf(event), event.reason, (event.message ?? '').replace(/\d+(\.\d+)?/g, '#')].join(' ');
}

function eventLine(event: KubeEvent): string {
  const text = printable(event.message ?? '').replaceAll('\n', ' ');
  return `${objectOf(event)}: ${event.type === 'Warning' ? 'Warning ' : ''}${event.reason ?? ''}: ${text}`;
}

/** `Frozen: The checkpoint of step 14 is saved and verified. ...`. */
function phaseText({ story }: Snapshot): string {
  const phase = phaseOf(story);
  const quote = story.plan?.status?.quote;
  if (phase === 'AwaitingApproval' && quote !== undefined)
    return `${phase}: ${usd(quote.total.expected)} expected, never more than ${usd(quote.limit)}: kriptik approve ${story.goal.metadata.name}`;
  const message = messageOf(story);
  return message === undefined ? phase : `${phase}: ${printable(message).replaceAll('\n', ' ')}`;
}

/** `45 %, step 90 of 200, loss 1.234, $0.42 of $1.00 (42 %), 3m10s left`. */
function progressText({ story }: Snapshot): string {
  const { progress, cost, phase } = story.job?.status ?? {};
  const left = progress?.etaSeconds !== undefined && phase === 'Running' && progress.percent < 100;
  return [
    progress === undefined ? undefined : `${progress.percent} %, step ${progress.step} of ${progress.totalSteps}`,
    stageText(progress),
    progress?.loss === undefined ? undefined : `loss ${progress.loss}`,
    cost === undefined ? undefined : `${usd(cost.spent)} of ${usd(cost.limit)} (${cost.percentUsed} %)`,
    left ? `${duration(progress.etaSeconds ?? 0)} left` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}
