import type { TrainingJob } from '@kriptik/crds';
import { formatUsd, parseMoney } from '@kriptik/operator/money.ts';
import type { KubeObject } from '@kriptik/operator/runtime/types.ts';
import { age } from '../render/duration.ts';
import type { Style } from '../render/style.ts';
import { renderTable } from '../render/table.ts';
import { printable } from '../render/width.ts';

/** What every description needs: how to paint, how wide, and what time it is (epoch ms). */
export interface View {
  readonly style: Style;
  readonly width: number;
  readonly now: number;
}

export interface KubeEvent extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

interface ConditionLike {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

type Status = NonNullable<TrainingJob['status']>;
export type Attempt = NonNullable<Status['attempts']>[number];
export type Checkpoint = NonNullable<Status['checkpoints']>[number];

/** An amount of the API for people; a dash when it is not known. */
export function usd(decimal: string | undefined): string {
  return decimal === undefined ? '-' : formatUsd(parseMoney(decimal));
}

export function conditionLines(conditions: readonly ConditionLike[] | undefined, view: View): string[] {
  if (conditions === undefined || conditions.length === 0) return [];
  const rows = conditions.map((condition) => [
    condition.type,
    condition.status,
    condition.reason,
    age(condition.lastTransitionTime, view.now),
    printable(condition.message).replaceAll('\n', ' '),
  ]);
  const columns = [{ title: 'TYPE' }, { title: 'STATUS' }, { title: 'REASON' }, { title: 'AGE' }, { title: 'MESSAGE' }];
  return dimHeader(renderTable(columns, rows, { indent: '  ', width: view.width }), view.style);
}

/** When an event happened last, epoch ms; 0 when it does not say. */
export function eventTime(event: KubeEvent): number {
  const text = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
  return text === undefined || text === null ? 0 : Date.parse(text);
}

/** The newest events, oldest first, so that the last line is the news. */
export function eventLines(events: readonly KubeEvent[], view: View, limit = 12): string[] {
  const newest = [...events].sort((a, b) => eventTime(a) - eventTime(b)).slice(-limit);
  if (newest.length === 0) return [];
  const rows = newest.map((event) => [
    age(new Date(eventTime(event)).toISOString(), view.now),
    event.type ?? 'Normal',
    event.reason ?? '',
    `${(event.involvedObject?.kind ?? '').replace('Training', '').toLowerCase()}`,
    `${printable(event.message ?? '').replaceAll('\n', ' ')}${(event.count ?? 1) > 1 ? ` (${event.count} times)` : ''}`,
  ]);
  const columns = [{ title: 'AGE' }, { title: 'TYPE' }, { title: 'REASON' }, { title: 'OF' }, { title: 'MESSAGE' }];
  return dimHeader(renderTable(columns, rows, { indent: '  ', width: view.width }), view.style);
}

/** Splits a rendered table into lines with its header dimmed. */
export function dimHeader(table: string, style: Style): string[] {
  const [header = '', ...rows] = table.trimEnd().split('\n');
  return [style.dim(header), ...rows];
}
