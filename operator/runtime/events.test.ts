import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { ApiEventRecorder, EVENTS, type KubeEvent, microTime, type RecorderOptions, truncate } from './events.ts';
import { silentLogger } from './log.ts';
import { RuntimeMetrics } from './metrics.ts';
import { type Rig, startRig, widget } from './testing/objects.ts';

let rig: Rig;
let clock: FakeClock;
const metrics = new RuntimeMetrics();

beforeEach(async () => {
  rig = await startRig();
  clock = new FakeClock();
});

afterEach(async () => {
  await rig.close();
});

const recorder = (options: Partial<RecorderOptions> = {}): ApiEventRecorder =>
  new ApiEventRecorder({
    client: rig.client,
    log: silentLogger(),
    controller: 'c',
    instance: 'c-0',
    clock,
    metrics,
    ...options,
  });

const written = async (): Promise<KubeEvent[]> => (await rig.client.resource(EVENTS).list()).items;

const a = { ...widget('a'), metadata: { ...widget('a').metadata, uid: 'uid-a', resourceVersion: '5' } };

it('writes what happened, to which object, and who says so', async () => {
  const events = recorder();
  events.event(a, { type: 'Warning', reason: 'Broken', note: 'it broke', action: 'Mending' });
  await events.flush();
  expect(await written()).toMatchObject([
    {
      metadata: { namespace: 'default', name: expect.stringMatching(/^a\.[0-9a-f]{16}$/) },
      type: 'Warning',
      reason: 'Broken',
      action: 'Mending',
      note: 'it broke',
      eventTime: '2026-01-01T00:00:00.000000Z',
      regarding: { apiVersion: 'testing.example/v1', kind: 'Widget', namespace: 'default', name: 'a', uid: 'uid-a' },
      reportingController: 'c',
      reportingInstance: 'c-0',
    },
  ]);
});

it('counts equal events in one object', async () => {
  const events = recorder();
  for (let i = 0; i < 5; i++) {
    events.event(a, { reason: 'Same', note: 'same' });
    await events.flush();
    await clock.advance(1_000);
  }
  events.event(a, { reason: 'Same', note: 'another text' });
  await events.flush();
  const found = await written();
  expect(found.map((event) => event.series?.count ?? 1).sort((one, other) => one - other)).toEqual([1, 5]);
  expect(found.find((event) => event.series !== undefined)?.series?.lastObservedTime).toBe(
    '2026-01-01T00:00:04.000000Z',
  );
});

it('starts a new series after a quiet time', async () => {
  const events = recorder();
  events.event(a, { reason: 'Same', note: 'same' });
  await events.flush();
  await clock.advance(600_000);
  events.event(a, { reason: 'Same', note: 'same' });
  await events.flush();
  expect((await written()).length).toBe(2);
});

it('lets no object flood the server, and other objects are heard', async () => {
  const events = recorder({ burst: 3 });
  for (let i = 0; i < 50; i++) events.event(a, { reason: 'Noise', note: `number ${i}` });
  events.event(widget('b'), { reason: 'Quiet', note: 'once' });
  await events.flush();
  const found = await written();
  expect(found.filter((event) => event.regarding.name === 'a').length).toBe(3);
  expect(found.filter((event) => event.regarding.name === 'b').length).toBe(1);
  expect(await metrics.registry.metrics()).toContain('events_dropped_total{reason="rate"} 47');
});

describe('trouble', () => {
  it('never reaches the caller', async () => {
    const events = recorder();
    rig.server.inject({ fault: { kind: 'status', code: 403 } });
    events.event(a, { reason: 'Refused', note: 'x' });
    await events.flush();
    events.event({} as KubeEvent, { reason: 'NoObject', note: 'x' });
    events.event(a, { reason: 'Fine', note: 'x' });
    await events.flush();
    expect((await written()).map((event) => event.reason)).toEqual(['Fine']);
  });

  it('an event that expired is written anew', async () => {
    const events = recorder();
    events.event(a, { reason: 'Same', note: 'same' });
    await events.flush();
    const [first] = await written();
    if (first !== undefined) await rig.client.resource(EVENTS).delete(first.metadata);
    events.event(a, { reason: 'Same', note: 'same' });
    await events.flush();
    events.event(a, { reason: 'Same', note: 'same' });
    await events.flush();
    expect((await written()).length).toBe(1);
  });
});

it('keeps notes within a kilobyte and free of credentials', async () => {
  const events = recorder();
  events.event(a, { reason: 'Long', note: 'é'.repeat(2_000) });
  events.event(a, { reason: 'Leak', note: 'call failed: Authorization: Bearer abcdefghijklmnop' });
  await events.flush();
  const found = await written();
  expect(Buffer.byteLength(found.find((event) => event.reason === 'Long')?.note ?? '')).toBeLessThanOrEqual(1024);
  expect(found.find((event) => event.reason === 'Leak')?.note).toBe('call failed: Authorization: Bearer [redacted]');
});

it.each([
  ['short', 10, 'short'],
  ['exactly10!', 10, 'exactly10!'],
  ['eleven chars', 10, 'eleven …'],
  ['ééééééé', 10, 'ééé…'],
])('cuts %j to %i bytes', (text, bytes, expected) => {
  expect(truncate(text, bytes)).toBe(expected);
});

it('writes times with microseconds', () => {
  expect(microTime(Date.parse('2026-01-02T03:04:05.678Z'))).toBe('2026-01-02T03:04:05.678000Z');
});
