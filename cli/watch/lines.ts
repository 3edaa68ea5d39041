import { eventTime, type KubeEvent, usd } from '../describe/common.ts';
import { duration } from '../render/duration.ts';
import { printable } from '../render/width.ts';
import { eventKey, phaseOf, type Snapshot } from './snapshot.ts';

/** Progress is told again when it moved by this many percent, so that a log stays short. */
const STEP_PERCENT = 5;

/** What has been told so far; start with {@link nothingTold}. */
export interface Told {
  readonly phase: string;
  readonly percent: number;
  readonly attempt: number;
  readonly checkpoint: number;
  readonly limit: string;
  readonly trouble: string | undefined;
  readonly events: ReadonlySet<string>;
}

export const nothingTold: Told = {
  phase: '',
  percent: -STEP_PERCENT,
  attempt: 0,
  checkpoint: -1,
  limit: '',
  trouble: undefined,
  events: new Set(),
};

/** The lines that are news in this snapshot, one plain line a change, and what has then been told. */
export function changeLines(
  told: Told,
  snapshot: Snapshot,
): { readonly lines: readonly string[]; readonly told: Told } {
  const { story, trouble } = snapshot;
  const { goal, plan, job } = story;
  const lines: string[] = [];
  const name = goal.metadata.name;
  if (trouble !== told.trouble)
    lines.push(trouble === undefined ? `${name}: the API server answers again` : `${name}: ${trouble}`);

  const fresh = story.events
    .filter((event) => !told.events.has(eventKey(event)))
    .sort((a, b) => eventTime(a) - eventTime(b));
  lines.push(...fresh.map(eventLine));

  const phase = phaseOf(story);
  if (phase !== told.phase) {
    const price =
      phase === 'AwaitingApproval' && plan?.status?.quote !== undefined
        ? `, ${usd(plan.status.quote.total.expected)} expected`
        : '';
    lines.push(`${name}: ${phase}${price}`);
  }

  const attempt = job?.status?.attempts?.at(-1)?.number ?? 0;
  if (attempt > told.attempt)
    lines.push(`${name}: attempt ${attempt} from step ${job?.status?.attempts?.at(-1)?.resumedFromStep ?? 0}`);

  const limit = job?.status?.cost?.limit ?? '';
  if (told.limit !== '' && limit !== '' && limit !== told.limit)
    lines.push(`${name}: limit ${usd(told.limit)} -> ${usd(limit)}`);

  const checkpoint = newestStep(snapshot);
  if (checkpoint > told.checkpoint) lines.push(`${name}: checkpoint at step ${checkpoint}`);

  const percent = job?.status?.progress?.percent ?? 0;
  const moved =
    job?.status?.progress !== undefined &&
    (Math.abs(percent - told.percent) >= STEP_PERCENT || (percent === 100 && told.percent !== 100));
  if (moved) lines.push(`${name}: ${progressText(snapshot)}`);

  return {
    lines,
    told: {
      phase,
      percent: moved ? percent : told.percent,
      attempt: Math.max(attempt, told.attempt),
      checkpoint: Math.max(checkpoint, told.checkpoint),
      limit: limit === '' ? told.limit : limit,
      trouble,
      events: new Set([...told.events, ...fresh.map(eventKey)]),
    },
  };
}

function newestStep({ story }: Snapshot): number {
  return Math.max(-1, ...(story.job?.status?.checkpoints ?? []).map(({ step }) => step));
}

function eventLine(event: KubeEvent): string {
  const object = `${(event.involvedObject?.kind ?? '').replace('Training', '').toLowerCase()}/${event.involvedObject?.name ?? ''}`;
  return `${object}: ${event.type === 'Warning' ? 'Warning ' : ''}${event.reason ?? ''}: ${printable(event.message ?? '').replaceAll('\n', ' ')}`;
}

/** `45 %, step 90 of 200, loss 1.234, $0.42 of $1.00 (42 %), 3m10s left`. */
function progressText({ story }: Snapshot): string {
  const { progress, cost } = story.job?.status ?? {};
  return [
    progress === undefined ? undefined : `${progress.percent} %, step ${progress.step} of ${progress.totalSteps}`,
    progress?.loss === undefined ? undefined : `loss ${progress.loss}`,
    cost === undefined ? undefined : `${usd(cost.spent)} of ${usd(cost.limit)} (${cost.percentUsed} %)`,
    progress?.etaSeconds === undefined ? undefined : `${duration(progress.etaSeconds)} left`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}
