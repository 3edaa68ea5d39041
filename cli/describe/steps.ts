import type { TrainingJob } from '@kriptik/crds';
import { parseMoney, subtractMoney } from '@kriptik/operator/money.ts';

/** What a person can do with a job as it stands, as commands; empty where there is nothing to do. */
export function jobSteps(name: string, job: TrainingJob): string[] {
  const verified = (job.status?.checkpoints ?? []).some(({ verifiedAt }) => verifiedAt !== undefined);
  const saved = verified ? [`kriptik try ${name}    (test the checkpoint)`, `kriptik download ${name}`] : [];
  const end = `kriptik terminate ${name}    (end it for good; the checkpoint stays)`;
  switch (job.status?.phase ?? 'Pending') {
    case 'Frozen': {
      const from = verified ? 'go on from the checkpoint' : 'start over: nothing was saved';
      return [`kriptik raise ${name} --by ${suggestedRaise(job)}    (${from})`, ...saved, end];
    }
    case 'Paused':
      return [`kriptik resume ${name}`, ...saved, end];
    case 'Terminated':
      return saved;
    case 'Provisioning':
    case 'Running':
    case 'Pending':
      return [`kriptik watch ${name}`, `kriptik logs -f ${name}`];
    case 'Succeeded':
      return [`kriptik try ${name}`, `kriptik download ${name}`];
    case 'Failed':
      return [`kriptik logs ${name}`, ...saved];
    default:
      return [];
  }
}

/** What is missing to the forecast, else a quarter of the limit, as a decimal without the sign. */
export function suggestedRaise(job: TrainingJob): string {
  const { cost } = job.status ?? {};
  if (cost === undefined) return 'AMOUNT';
  const missing =
    cost.forecast === undefined ? undefined : subtractMoney(parseMoney(cost.forecast), parseMoney(cost.limit));
  const limit = Number(parseMoney(cost.limit));
  const micros = missing === undefined || missing <= 0 ? limit / 4 : Number(missing) * 1.1;
  // Rounded up to a cent: a raise that is a hair too small freezes again.
  return (Math.ceil(micros / 10_000) / 100).toFixed(2);
}
