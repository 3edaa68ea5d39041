import { readFile } from 'node:fs/promises';
import type { TrainingJob, TrainingPlan } from '@kriptik/crds';
import { planDigest } from '@kriptik/operator/digest.ts';
import { type AuditEntry, accepted } from '../support/audit.ts';
import { newestSound, restorable } from '../support/saved.ts';
import { type Lane, PRICE, type Seen } from './lane.ts';
import { brokenPods } from './pod-log.ts';

const FEE = 1.1;

/** What broke in a run, by the API server's audit log, the process table and the disk; never by the operator's word. */
export async function brokenIn(lane: Lane, seen: Seen, limit: number): Promise<string[]> {
  const log = (await lane.writes()).filter(accepted);
  return [
    ...approvals(lane, log),
    ...money(lane, limit),
    ...owned(log),
    ...(await saved(lane, seen, log)),
    ...(await lost(lane, log)),
    ...(lane.site === undefined ? [] : brokenPods(log, limit, costOf)),
    ...(await secrets(lane)),
    ...(lane.processes.most > 1 ? [`${lane.processes.most} trainers ran at once`] : []),
    ...lane.processes.live.map((name) => `${name} still runs`),
    ...(await lane.left()).map((name) => `${name} is left`),
  ];
}

const isOperator = ({ user }: AuditEntry): boolean => user.username.includes('kriptik-operator');

/** No instance without an approval of exactly its digest, given before. */
function approvals({ processes }: Lane, log: readonly AuditEntry[]): string[] {
  const created = log.filter(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'trainingjobs');
  const jobs = new Map(
    created.map(({ responseObject }) => {
      const job = responseObject as TrainingJob;
      return [job.metadata.uid.replaceAll('-', '').slice(0, 16), job];
    }),
  );
  return processes.seen.flatMap(({ name, start }) => {
    const job = jobs.get(name.split('-')[1] ?? '');
    if (job === undefined) return [`${name} belongs to no job`];
    if (planDigest(job.spec.run) !== job.spec.planRef.digest) return [`${name} runs what its digest does not name`];
    const approval = log.find(({ objectRef, responseObject }) => {
      if (objectRef?.resource !== 'trainingplans' || objectRef.subresource !== 'status') return false;
      const { metadata, status } = responseObject as TrainingPlan;
      const { decision, digest } = status?.approval ?? {};
      return metadata.uid === job.spec.planRef.uid && decision === 'Approved' && digest === job.spec.planRef.digest;
    });
    const early = approval === undefined || Date.parse(approval.stageTimestamp) >= start;
    return early ? [`${name} began without an approval of its digest`] : [];
  });
}

/** What so many ms cost, in USD. */
const costOf = (ms: number): number => (ms / 3_600_000) * Number(PRICE) * FEE;

/** What the processes took for certain, by the system's clock: a look that comes late is not on their bill. */
export function billOf({ processes }: Pick<Lane, 'processes'>): number {
  return processes.seen.reduce((sum, { start, alive }) => sum + costOf(alive - start), 0);
}

function money(lane: Lane, limit: number): string[] {
  const bill = billOf(lane);
  return bill > limit ? [`${bill.toFixed(6)} USD was taken, ${limit} is the limit`] : [];
}

/** Specs belong to people: the operator creates plans, jobs and receipts, and patches nothing of them but finalizers. */
function owned(log: readonly AuditEntry[]): string[] {
  return log
    .filter((entry) => isOperator(entry) && entry.objectRef?.apiGroup === 'training.kriptik.ai')
    .filter(({ objectRef }) => objectRef?.subresource === undefined)
    .filter(({ verb, objectRef, requestObject }) => {
      const { resource = '' } = objectRef ?? {};
      if (verb === 'create') return !['trainingplans', 'trainingjobs', 'trainingreceipts'].includes(resource);
      const { metadata = {}, ...others } = (requestObject ?? {}) as { metadata?: object };
      const fields = Object.keys(metadata).every((field) => ['finalizers', 'resourceVersion', 'uid'].includes(field));
      return verb !== 'patch' || resource !== 'trainingjobs' || Object.keys(others).length > 0 || !fields;
    })
    .map(({ verb, objectRef }) => `the operator sent ${verb} ${objectRef?.resource}/${objectRef?.name}`);
}

/** Every status that promised a checkpoint is held to it at the end, and steps never went back. */
async function saved(lane: Lane, { jobs }: Seen, log: readonly AuditEntry[]): Promise<string[]> {
  const broken: string[] = [];
  for (const job of jobs) {
    await restorable(job, (uri) => lane.folderOf(uri)).catch((error: Error) => broken.push(error.message));
    let least = 0;
    for (const { resumedFromStep, lastStep, number, outcome } of job.status?.attempts ?? []) {
      if (resumedFromStep < least) broken.push(`attempt ${number} resumed at ${resumedFromStep}, ${least} was saved`);
      if (outcome === 'Frozen' || outcome === 'Stopped') least = lastStep ?? least;
    }
  }
  for (const { objectRef, responseObject } of log) {
    if (objectRef?.resource !== 'trainingjobs' || objectRef.subresource !== 'status') continue;
    const { status } = responseObject as TrainingJob;
    const resting = ['Frozen', 'Paused', 'Succeeded'].includes(status?.phase ?? '');
    const open = status?.attempts?.some(({ state }) => state !== 'Gone') === true;
    if (resting && open) broken.push(`${status?.phase} was reported with an attempt that is not gone`);
    if (status?.phase === 'Succeeded' && (status.artifacts ?? []).length === 0)
      broken.push('succeeded without a model');
  }
  return broken;
}

/**
 * A checkpoint that a status once called verified is there for good, or a newer sound one is: also of a job that was
 * deleted since.
 */
async function lost(lane: Lane, log: readonly AuditEntry[]): Promise<string[]> {
  const promised = new Map<string, number>();
  for (const { objectRef, responseObject } of log) {
    if (objectRef?.resource !== 'trainingjobs' || objectRef.subresource !== 'status') continue;
    for (const { uri, step, verifiedAt } of (responseObject as TrainingJob).status?.checkpoints ?? []) {
      const store = uri.slice(0, uri.lastIndexOf('/checkpoints/'));
      if (verifiedAt !== undefined) promised.set(store, Math.max(step, promised.get(store) ?? 0));
    }
  }
  const broken: string[] = [];
  for (const [store, step] of promised) {
    const sound = await newestSound(lane.folderOf(store));
    if (sound < step) broken.push(`${store}: step ${step} was verified, and the newest that can be read is ${sound}`);
  }
  return broken;
}

/** Tokens of trainers stay between the operator and them. */
async function secrets(lane: Lane): Promise<string[]> {
  const tokens = lane.processes.seen.map(({ token }) => token).filter((token) => token !== '');
  const told = [await readFile(lane.world.operatorLog, 'utf8').catch(() => '')];
  told.push(...(await lane.audit.lines(lane.world.namespace)));
  told.push(
    ...lane.proxy.writes.map(({ call }) => (call.resource === 'secrets' ? '' : JSON.stringify(call.body ?? ''))),
  );
  return tokens.filter((token) => told.some((text) => text.includes(token))).map(() => 'a token of a trainer was told');
}
