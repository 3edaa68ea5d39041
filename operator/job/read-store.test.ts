import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { checkpoint, makeObserved } from '../../test/support/observed.ts';
import { openFileStore } from '../store/file-store.ts';
import { decideJob } from './decide.ts';
import type { JobDependencies } from './dependencies.ts';
import { readStore } from './read-store.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kriptik-store-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const frozen = makeJob().attempt('Gone', { createdAt: time(0), outcome: 'Frozen', stopReason: 'Budget', lastStep: 40 });
const freeze = { limit: '1.00', requestedAt: time(90), reason: 'Budget', requestId: 'a', deadline: time(95) } as const;

/** What the folder of a job shows, whose checkpoint of step 40 was verified there once or never. */
async function view(recorded: boolean) {
  const uri = pathToFileURL(root).href;
  const runtime = { storeUri: () => uri, openStore: () => openFileStore(root) };
  const deps = {
    providers: { get: () => undefined },
    registry: { lastKnown: () => runtime },
  } as unknown as JobDependencies;
  const checkpoints = recorded ? { checkpoints: [checkpoint(40)] } : {};
  const job = frozen.status({ freeze, store: { provider: 'here', uri }, ...checkpoints }).obj();
  return { job, store: await readStore(deps, job, job.status?.attempts?.at(-1), undefined) };
}

describe('a folder in which nothing is left', () => {
  it('is not taken for a job that never saved, where a checkpoint was verified in it: nothing starts over', async () => {
    const { job, store } = await view(true);
    expect(store.unavailable?.reason).toBe('StoreEmpty');
    const raised = makeObserved(job).at(600).goal({ limit: '9.00' }).with({ store }).obj();
    const { status, actions } = decideJob(raised);
    expect(actions).toEqual([]);
    expect(status).toMatchObject({ phase: 'Pending', checkpoints: [{ step: 40 }] });
    expect(status.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('mount its volume');
  });

  it('is what a job that never saved has', async () => {
    expect((await view(false)).store.unavailable).toBeUndefined();
  });

  it('is not what one is where other work lies', async () => {
    await mkdir(join(root, 'attempts', 'kriptik-0e5a1c3e-1'), { recursive: true });
    const result = { protocol: 1, attempt: 'kriptik-0e5a1c3e-1', outcome: 'frozen', step: 40, totalSteps: 300 };
    const whole = { ...result, checkpoint: null, artifacts: [], error: null, finishedAt: time(95) };
    await writeFile(join(root, 'attempts', 'kriptik-0e5a1c3e-1', 'result.json'), JSON.stringify(whole));
    expect((await view(true)).store.unavailable).toBeUndefined();
  });
});
