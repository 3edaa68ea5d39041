import type { Catalog } from '../catalog/catalog.ts';
import type { MicroUsd } from '../money.ts';
import { microUsd, millisecondsFor, parseMoney, zeroMoney } from '../money.ts';
import type { CostEstimate } from './cost.ts';
import { estimateCost } from './cost.ts';
import type { MemoryEstimate } from './memory.ts';
import { estimateMemory, memoryOf } from './memory.ts';
import type { TimeEstimate } from './time.ts';
import { checkpointBytes, estimateTime, modelBytes } from './time.ts';
import type { Workload } from './workload.ts';

export interface Estimate {
  readonly memory: MemoryEstimate;
  /** Undefined when the machine's memory is not known. */
  readonly memoryAvailable?: number;
  readonly fitsMemory: boolean;
  readonly time: TimeEstimate;
  /** Takes decades or a fortune: `time` says how long, `cost` only what the longest run would cost. */
  readonly beyond: boolean;
  readonly cost: CostEstimate;
}

/** Seconds until the operator notices that a limit is near: one status round, with margin. */
const DETECTION_SECONDS = { local: 5, cloud: 30 };

/** The longest run, in seconds, and the dearest that is priced: beyond them an amount tells nobody anything. */
const LONGEST_SECONDS = 10 * 365 * 86_400;
const DEAREST = microUsd(20_000_000_000_000);
/** The slow end of a run that is just priced. */
const SLOWEST = 4;

/** Memory, time and cost of one run at a price per hour for the whole instance. */
export function estimate(work: Workload, pricePerHour: MicroUsd, catalog: Catalog): Estimate {
  const memory = estimateMemory(work);
  const available = memoryOf(work.device);
  const time = estimateTime(work, catalog);
  const place = work.rented ? 'cloud' : 'local';
  const { speeds } = catalog;
  const reserveSeconds =
    time.checkpointSeconds + time.secondsPerStep + speeds.teardownSeconds[place].value + DETECTION_SECONDS[place];
  const most = Math.min(LONGEST_SECONDS, millisecondsFor(DEAREST, pricePerHour) / 1000);
  const cost = estimateCost({
    pricePerHour,
    seconds: {
      low: Math.min(time.low, most),
      expected: Math.min(time.expected, most),
      high: Math.min(time.high, most * SLOWEST),
    },
    storageGb: work.rented ? storageGb(work) : 0,
    storagePerGbMonth: work.rented ? parseMoney(String(speeds.storageUsdPerGbMonth.value)) : zeroMoney,
    reserveSeconds: Math.min(reserveSeconds, most),
  });
  return {
    memory,
    ...(available !== undefined && { memoryAvailable: available }),
    fitsMemory: available === undefined || memory.total <= available,
    time,
    beyond: time.expected > most,
    cost,
  };
}

/** Disks of the rented machines: image, libraries and the model on each, the merged result and three checkpoints on one. */
function storageGb(work: Workload): number {
  const each = IMAGE_GB + modelBytes(work) / 1e9;
  return Math.ceil((work.nodes ?? 1) * each + (2 * work.model.parameters + 3 * checkpointBytes(work)) / 1e9);
}

const IMAGE_GB = 20;
