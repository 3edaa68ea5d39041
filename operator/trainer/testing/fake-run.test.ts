import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../store/open.ts';
import type { TrainerSpec } from '../spec.ts';
import { exampleSpec } from './example-spec.ts';
import { FakeRun } from './fake-run.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kriptik-fake-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const uriOf = (store: string): string => pathToFileURL(join(root, store)).href;
const start = (store: string, attempt: string, overrides: Partial<TrainerSpec> = {}): FakeRun =>
  new FakeRun(exampleSpec(attempt, uriOf(store), overrides), {
    stepMs: 1,
    checkpointMs: 1,
    totalSteps: 23,
    log: () => undefined,
  });
const modelOf = (store: string): Promise<string> =>
  readFile(join(root, store, 'artifacts', 'adapter', 'model.txt'), 'utf8');

test('a run that was frozen and resumed ends with the weights of an undisturbed one', async () => {
  expect(await start('whole', 'a-1').run()).toBe('succeeded');

  const first = start('parts', 'b-1');
  const running = first.run();
  first.requestCheckpoint({ id: 'one', stop: true });
  expect(await running).toBe('stopped');
  const { checkpoint } = await openStore(uriOf('parts')).latestVerified({ fresh: true });
  expect(checkpoint).toBeDefined();
  if (checkpoint === undefined) return;
  const { uri, step, manifestSha256 } = checkpoint;
  const second = start('parts', 'b-2', { resume: { uri, step, manifestSha256 } });
  expect(await second.run()).toBe('succeeded');
  expect(second.step).toBe(23);
  expect(await modelOf('parts')).toBe(await modelOf('whole'));
});

test('at its deadline it has saved and stopped by itself', async () => {
  const deadline = Date.now() + 600;
  const run = start('store', 'a-1', { deadline: new Date(deadline).toISOString() });
  const endless = new FakeRun(run.spec, { ...run.settings, totalSteps: 1_000_000 });
  expect(await endless.run()).toBe('frozen');
  expect(endless.lastCheckpoint).toMatchObject({ reason: 'deadline', step: endless.step });
  expect((await openStore(uriOf('store')).latestVerified()).checkpoint?.step).toBe(endless.step);
});

test('it keeps two checkpoints and the one that it resumed from', async () => {
  const first = start('store', 'a-1');
  await first.run();
  const kept = (await openStore(uriOf('store')).list()).map((ref) => ref.step);
  expect(kept).toEqual([23, 20]);
});
