import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingJob, TrainingPlan } from '@kriptik/crds';
import { planDigest } from '@kriptik/operator/digest.ts';
import { expect } from 'vitest';
import { type AuditEntry, accepted } from '../../support/audit.ts';
import type { ProcessWatch } from '../../support/process-watch.ts';
import { API, type Watched } from './watched.ts';

/** Expects more than `least` attempts, one at a time, each after an approval of exactly its digest. */
export function expectApproved(watch: ProcessWatch, audited: readonly AuditEntry[], least: number): void {
  expect(watch.most).toBe(1);
  const log = audited.filter(accepted);
  const jobs = new Map<string, TrainingJob>();
  for (const { objectRef, verb, responseObject } of log) {
    if (objectRef?.resource === 'trainingjobs' && verb === 'create') {
      const job = responseObject as TrainingJob;
      jobs.set(job.metadata.uid.replaceAll('-', '').slice(0, 16), job);
    }
  }
  const starts = watch.seen;
  expect(starts.length).toBeGreaterThan(least);
  for (const { name, start } of starts) {
    const job = jobs.get(name.split('-')[1] ?? '');
    expect(job, name).toBeDefined();
    if (job === undefined) continue;
    expect(planDigest(job.spec.run)).toBe(job.spec.planRef.digest);
    const approval = log.find(({ objectRef, responseObject }) => {
      if (objectRef?.resource !== 'trainingplans' || objectRef.subresource !== 'status') return false;
      const plan = responseObject as TrainingPlan;
      return (
        plan.metadata.uid === job.spec.planRef.uid &&
        plan.status?.approval?.decision === 'Approved' &&
        plan.status.approval.digest === job.spec.planRef.digest
      );
    });
    expect(Date.parse(approval?.stageTimestamp ?? ''), name).toBeLessThan(start);
  }
}

/** Expects the operator to have written much, and nothing of it a spec that people own. */
export function expectSpecsOwned(audited: readonly AuditEntry[]): void {
  const own = audited.filter(
    ({ userAgent, objectRef }) =>
      userAgent?.startsWith('kriptik-operator') && objectRef?.apiGroup === 'training.kriptik.ai',
  );
  expect(own.length).toBeGreaterThan(50);
  expect(own.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
  const main = own.filter(({ objectRef }) => objectRef?.subresource === undefined);
  for (const { verb, objectRef, requestObject } of main) {
    const what = `${verb} ${objectRef?.resource} ${objectRef?.name}`;
    if (verb === 'create')
      expect(['trainingplans', 'trainingjobs', 'trainingreceipts'], what).toContain(objectRef?.resource);
    else {
      expect([verb, objectRef?.resource], what).toEqual(['patch', 'trainingjobs']);
      const { metadata, ...others } = requestObject as { metadata: object };
      expect(others, what).toEqual({});
      expect(Object.keys(metadata).sort(), what).toEqual(['finalizers', 'resourceVersion', 'uid']);
    }
  }
}

/** Where tokens are looked for, and what shows that it was looked at. */
interface Told {
  /** What the API server's audit log says. */
  readonly audited: string;
  /** Reason of an event that there is. */
  readonly event: string;
  /** More tokens than so many were seen. */
  readonly least: number;
}

/** Expects no token of a trainer in any log, object, event or file but its own. */
export async function expectTokensKept(
  { world, watch }: Pick<Watched, 'world' | 'watch'>,
  { audited, event, least }: Told,
): Promise<void> {
  const tokens = watch.seen.map(({ token }) => token).filter((token) => token !== '');
  expect(tokens.length).toBeGreaterThan(least);
  const texts = [await readFile(world.operatorLog, 'utf8'), audited];
  for (const text of texts) expect(text.length).toBeGreaterThan(100);
  for (const kind of ['traininggoals', 'trainingplans', 'trainingjobs', 'computeproviders']) {
    texts.push(JSON.stringify(await world.client.raw('GET', `${API}/${kind}`)));
  }
  const events = JSON.stringify(await world.client.raw('GET', '/apis/events.k8s.io/v1/events'));
  expect(events).toContain(event);
  texts.push(events);
  const roots = (await readdir(world.workDir, { recursive: true, withFileTypes: true })).filter(
    (file) => file.isFile() && file.name !== 'token',
  );
  for (const file of roots) texts.push(await readFile(join(file.parentPath, file.name), 'utf8'));
  expect(roots.some(({ name }) => name === 'trainer.log')).toBe(true);
  for (const token of tokens) expect(texts.findIndex((text) => text.includes(token))).toBe(-1);
}
