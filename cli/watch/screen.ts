import { eventTime, type KubeEvent, usd, type View } from '../describe/common.ts';
import { nextSteps } from '../describe/goal.ts';
import { bandText, etaText, lossesOf, lossTrend, misfit } from '../describe/job.ts';
import { budgetBar, progressBar, spendStyle } from '../render/bars.ts';
import { age } from '../render/duration.ts';
import { sparkline } from '../render/sparkline.ts';
import { phaseStyle } from '../render/style.ts';
import { quoteLine } from '../render/tiles.ts';
import { padEnd, padStart, printable, truncate, wrap } from '../render/width.ts';
import { wording } from './lines.ts';
import { isEnded, messageOf, phaseOf, type Snapshot } from './snapshot.ts';

const LABEL = 10;

/** What a live view leaves behind when it ends: all of it but the news, which was seen. */
export function renderOutcome(snapshot: Snapshot, view: View): string[] {
  return renderScreen({ ...snapshot, story: { ...snapshot.story, events: [] } }, view, Number.POSITIVE_INFINITY);
}

/** The live view: at most `height` lines of at most `view.width` cells. */
export function renderScreen(snapshot: Snapshot, view: View, height: number): string[] {
  const { style } = view;
  const { story } = snapshot;
  const phase = phaseOf(story);
  const name = truncate(story.goal.metadata.name, Math.max(8, view.width - 30));
  const head = [
    `${style.bold(name)}  ${phaseStyle(style, phase)(phase)}  ${style.dim(age(story.goal.metadata.creationTimestamp, view.now))}`,
    ...(snapshot.trouble === undefined ? [] : [style.red(truncate(snapshot.trouble, view.width))]),
    ...(snapshot.trouble === undefined && height < 14
      ? []
      : [style.dim(truncate(printable(story.goal.spec.goal).replace(/\s+/g, ' ').trim(), view.width))]),
    ...messageLines(snapshot, view),
    '',
    ...planLines(snapshot, view),
    ...runLines(snapshot, view),
  ];
  const steps = nextSteps(story).filter((step) => !step.startsWith('kriptik watch'));
  const next = steps.length === 0 ? [] : ['', ...steps.map((step) => style.dim(truncate(`next: ${step}`, view.width)))];
  const room = Math.max(0, height - head.length - next.length - 1);
  const news = newsLines(story.events, view, room);
  return [...head, ...(news.length === 0 ? [] : ['', ...news]), ...next].slice(0, Math.max(1, height));
}

/** Why it does not run on, or what is wrong; in full, for a person must act on it. */
function messageLines({ story }: Snapshot, view: View): string[] {
  const phase = phaseOf(story);
  const message = isEnded(phase) || phase === 'Frozen' ? messageOf(story) : undefined;
  if (message === undefined) return [];
  return wrap(printable(message).replace(/\s+/g, ' '), view.width)
    .slice(0, 4)
    .map((line) => phaseStyle(view.style, phase)(truncate(line, view.width)));
}

const labelled = (label: string, value: string, view: View): string =>
  `${view.style.dim(padEnd(label, LABEL))}${value}`;

function planLines({ story }: Snapshot, view: View): string[] {
  if (story.job !== undefined) return [];
  const tiles = (story.plan?.status?.tiles ?? []).map((tile) =>
    labelled(tile.name, truncate(printable(tile.title), view.width - LABEL), view),
  );
  const { quote } = story.plan?.status ?? {};
  return quote === undefined
    ? tiles
    : [...tiles, labelled('Price', truncate(quoteLine(quote), view.width - LABEL), view)];
}

function runLines({ story }: Snapshot, view: View): string[] {
  const { job } = story;
  if (job === undefined) return [];
  const { style } = view;
  const { progress, cost } = job.status ?? {};
  const bar = Math.max(8, Math.min(40, view.width - LABEL - 32));
  const lines: string[] = [];
  const percent = progress?.percent ?? 0;
  const steps =
    progress === undefined
      ? 'not started'
      : `${padStart(String(percent), 3)} %  ${progress.step}/${progress.totalSteps}${left(job)}`;
  lines.push(labelled('Progress', `${progressBar(percent / 100, bar, style)} ${steps}`, view));
  const losses = lossesOf(job);
  if (losses.length > 0)
    lines.push(
      labelled(
        'Loss',
        `${style.cyan(padEnd(sparkline(losses, bar + 2, style.unicode), bar + 2))} ${lossTrend(losses)}`,
        view,
      ),
    );
  if (cost !== undefined) {
    const marks = job.spec.run.contract.budget;
    const spent = spendStyle(
      cost.percentUsed,
      marks,
      style,
    )(`${padStart(String(cost.percentUsed), 3)} %  ${usd(cost.spent)} of ${usd(cost.limit)}`);
    lines.push(labelled('Budget', `${budgetBar(cost.percentUsed, marks, bar, style)} ${spent}`, view));
    if (cost.forecast !== undefined) {
      const text = `${usd(cost.forecast)}${cost.forecastFits === false ? `, ${misfit(cost)}` : ` when finished${bandText(cost)}`}`;
      const shown = truncate(text, view.width - LABEL);
      lines.push(labelled('Forecast', cost.forecastFits === false ? style.yellow(shown) : shown, view));
    }
  }
  lines.push(...speedLine(job, view));
  const attempt = job.status?.attempts?.at(-1);
  if (attempt !== undefined) {
    const from = attempt.resumedFromStep > 0 ? `, resumed from step ${attempt.resumedFromStep}` : '';
    lines.push(
      labelled(
        'Attempt',
        truncate(`${attempt.number} on ${attempt.provider}, ${attempt.state}${from}`, view.width - LABEL),
        view,
      ),
    );
  }
  const saved = job.status?.checkpoints?.at(-1);
  if (saved !== undefined) {
    const verified = saved.verifiedAt === undefined ? 'not verified yet' : 'verified';
    lines.push(labelled('Saved', `step ${saved.step}, ${age(saved.createdAt, view.now)} ago, ${verified}`, view));
  }
  return lines;
}

/** `, 3m10s left` while it runs. */
function left({ status }: NonNullable<Snapshot['story']['job']>): string {
  const progress = status?.progress;
  return status?.phase !== 'Running' || progress?.etaSeconds === undefined || progress.percent === 100
    ? ''
    : `, ${etaText(progress)} left`;
}

function speedLine(job: NonNullable<Snapshot['story']['job']>, view: View): string[] {
  const { progress, cost } = job.status ?? {};
  // What nothing runs for has no speed; the last one measured would mislead.
  if (job.status?.attempts?.at(-1)?.state === 'Gone') return [];
  const parts = [
    cost === undefined ? undefined : `${usd(cost.ratePerHour)}/h`,
    progress?.secondsPerStep === undefined ? undefined : `${progress.secondsPerStep} s/step`,
    progress?.tokensPerSecond === undefined ? undefined : `${progress.tokensPerSecond} tok/s`,
    progress?.device,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? [] : [labelled('Rate', truncate(parts.join(', '), view.width - LABEL), view)];
}

function newsLines(events: readonly KubeEvent[], view: View, room: number): string[] {
  const newest = distinct(events)
    .sort((a, b) => eventTime(a) - eventTime(b))
    .slice(-Math.min(8, Math.max(0, room - 1)));
  if (room < 2) return [];
  return newest.map((event) => {
    const when = padStart(age(new Date(eventTime(event)).toISOString(), view.now), 7);
    const text = truncate(
      `${event.reason ?? ''}: ${printable(event.message ?? '').replaceAll('\n', ' ')}`,
      Math.max(10, view.width - 9),
    );
    return `${view.style.dim(when)}  ${event.type === 'Warning' ? view.style.yellow(text) : text}`;
  });
}

/** Of events that say the same with other numbers only the newest. */
function distinct(events: readonly KubeEvent[]): KubeEvent[] {
  const newest = new Map<string, KubeEvent>();
  for (const event of [...events].sort((a, b) => eventTime(a) - eventTime(b)))
    newest.set(event.type === 'Warning' ? wording(event) : (event.metadata.uid ?? event.metadata.name), event);
  return [...newest.values()];
}
