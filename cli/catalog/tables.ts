import { isStale } from '@kriptik/operator/catalog/age.ts';
import { type Column, renderTable } from '../render/table.ts';
import type { Listing } from './rows.ts';

const right = (title: string): Column => ({ title, align: 'right' });
const left = (title: string): Column => ({ title });

/** "8.0B", "135M". */
export function parametersText(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(count >= 1e10 ? 0 : 1)}B` : `${Math.round(count / 1e6)}M`;
}

/** A marked price is older than a month. */
const STALE = 'old';

/** A listing for people. `now` in ms since the epoch. */
export function table(listed: Listing, now: number, width: number): string {
  switch (listed.kind) {
    case 'models':
      return renderTable(
        [
          left('ID'),
          left('MODALITY'),
          right('PARAMS'),
          right('CONTEXT'),
          left('LICENCE'),
          left('COMMERCIAL'),
          left('HUB'),
        ],
        listed.rows.map((row) => [
          row.id,
          row.modality,
          parametersText(row.parameters),
          String(row.context),
          row.license,
          row.commercialUse,
          `${row.hub}${row.gated ? ' (gated)' : ''}`,
        ]),
      );
    case 'gpus':
      return renderTable(
        [left('ID'), right('MEMORY'), right('TFLOPS'), right('GB/S'), left('ARCH'), left('RUNPOD'), left('MODAL')],
        listed.rows.map((row) => [
          row.id,
          `${row.memoryGb} GB`,
          `${row.bf16Tflops}${row.bf16 ? '' : ' fp16'}`,
          String(row.bandwidthGbs),
          row.arch,
          row.names.runpod ?? '-',
          row.names.modal ?? '-',
        ]),
      );
    case 'prices':
      return renderTable(
        [
          left('PROVIDER'),
          left('GPU'),
          right('USD/H'),
          left('TIER'),
          left('REGION'),
          right('GPUS'),
          left('AS OF'),
          left('REMARK'),
        ],
        listed.rows.map((row) => [
          row.provider,
          row.gpu,
          row.usdPerGpuHour,
          row.tier,
          row.region ?? '-',
          String(row.gpus),
          row.asOf,
          [isStale(row.asOf, new Date(now)) ? STALE : '', row.verified ? '' : 'unconfirmed']
            .filter(Boolean)
            .join(', ') || '-',
        ]),
      );
    case 'datasets':
      return renderTable(
        [
          left('ID'),
          left('MODALITY'),
          right('ROWS'),
          left('SHAPE'),
          left('LICENCE'),
          left('COMMERCIAL'),
          left('TASKS'),
        ],
        listed.rows.map((row) => [
          row.id,
          row.modality,
          row.rows.toLocaleString('en'),
          row.shape,
          row.license,
          row.commercialUse,
          row.tasks.join(', '),
        ]),
        { width },
      );
    case 'methods':
      return renderTable(
        [left('ID'), left('TITLE'), left('MEMORY'), left('MODALITIES'), left('WHEN')],
        listed.rows.map((row) => [row.id, row.title, row.memory, row.modalities.join(', '), row.when]),
        { width },
      );
  }
}
