import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyIfChanged, contains, getOrUndefined, patchStatusIfChanged } from './apply.ts';
import { isConflict } from './errors.ts';
import { addFinalizer, hasFinalizer, isBeingDeleted, removeFinalizer } from './finalizers.ts';
import { mergePatch, sameJson } from './json.ts';
import type { ResourceClient } from './resource.ts';
import { type Rig, startRig, WIDGETS, type Widget, widget } from './testing/objects.ts';

let rig: Rig;
let widgets: ResourceClient<Widget>;
const key = { namespace: 'default', name: 'a' };

beforeEach(async () => {
  rig = await startRig();
  widgets = rig.client.resource(WIDGETS);
});

afterEach(async () => {
  await rig.close();
});

const writes = (): number => rig.server.calls.filter((call) => call.method !== 'GET').length;

describe('writing a status', () => {
  it('writes what differs and returns the new object', async () => {
    const obj = await widgets.create(widget('a'));
    const next = await patchStatusIfChanged(widgets, obj, { ready: true, parts: ['x', 'y'] });
    expect(next.status).toEqual({ ready: true, parts: ['x', 'y'] });
    expect(next.metadata.resourceVersion).not.toBe(obj.metadata.resourceVersion);
    const last = await patchStatusIfChanged(widgets, next, { ready: true, note: 'n' });
    expect(last.status).toEqual({ ready: true, note: 'n' });
  });

  it('sends nothing when nothing differs, whatever the order of members', async () => {
    const obj = await widgets.create(widget('a'));
    const next = await patchStatusIfChanged(widgets, obj, { ready: true, note: 'n' });
    const before = writes();
    expect(await patchStatusIfChanged(widgets, next, { note: 'n', ready: true })).toBe(next);
    expect(writes()).toBe(before);
  });

  it('refuses to build on a state that someone else has changed', async () => {
    const obj = await widgets.create(widget('a'));
    await widgets.patch(key, { spec: { size: 2 } });
    await expect(patchStatusIfChanged(widgets, obj, { ready: true })).rejects.toSatisfy(isConflict);
    expect((await widgets.get(key)).status).toBeUndefined();
  });

  it('never writes to a successor of the same name', async () => {
    const obj = await widgets.create(widget('a'));
    await widgets.delete(key);
    await widgets.create(widget('a'));
    await expect(patchStatusIfChanged(widgets, obj, { ready: true })).rejects.toSatisfy(isConflict);
  });
});

describe('applying', () => {
  it('is skipped when the object already holds every field', async () => {
    const current = await applyIfChanged(widgets, undefined, widget('a', 3));
    const before = writes();
    expect(await applyIfChanged(widgets, current, widget('a', 3))).toBe(current);
    expect(writes()).toBe(before);
    expect((await applyIfChanged(widgets, current, widget('a', 4))).spec.size).toBe(4);
  });

  it.each([
    ['equal', { a: 1 }, { a: 1 }, true],
    ['more in the whole', { a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }, true],
    ['another value', { a: 1 }, { a: 2 }, false],
    ['a missing member', { a: 1 }, { b: 1 }, false],
    ['lists must be equal', { a: [1, 2] }, { a: [1] }, false],
    ['an undefined member counts as absent', { a: 1 }, { a: 1, b: undefined }, true],
    ['an object is not a list', { a: [1] }, { a: {} }, false],
  ])('contains: %s', (_what, whole, part, expected) => {
    expect(contains(whole, part)).toBe(expected);
  });
});

it('reads an object that may not be there', async () => {
  expect(await getOrUndefined(widgets, key)).toBeUndefined();
  await widgets.create(widget('a'));
  expect((await getOrUndefined(widgets, key))?.metadata.name).toBe('a');
  rig.server.inject({ fault: { kind: 'status', code: 403 } });
  await expect(getOrUndefined(widgets, key)).rejects.toMatchObject({ status: 403 });
});

describe('finalizers', () => {
  it('are added once, hold a deleted object, and let it go', async () => {
    const obj = await addFinalizer(widgets, await widgets.create(widget('a')), 'x/one');
    const both = await addFinalizer(widgets, obj, 'x/two');
    expect(both.metadata.finalizers).toEqual(['x/one', 'x/two']);
    const before = writes();
    expect(await addFinalizer(widgets, both, 'x/one')).toBe(both);
    expect(writes()).toBe(before);
    await widgets.delete(key);
    const deleted = await widgets.get(key);
    expect(isBeingDeleted(deleted)).toBe(true);
    expect(await addFinalizer(widgets, deleted, 'x/three')).toBe(deleted);
    const left = await removeFinalizer(widgets, deleted, 'x/one');
    expect(hasFinalizer(left, 'x/one')).toBe(false);
    expect(left.metadata.finalizers).toEqual(['x/two']);
    await removeFinalizer(widgets, left, 'x/two');
    expect(await getOrUndefined(widgets, key)).toBeUndefined();
  });

  it('of others are not lost to an old view', async () => {
    const old = await widgets.create(widget('a'));
    await addFinalizer(widgets, old, 'x/other');
    await expect(addFinalizer(widgets, old, 'x/mine')).rejects.toSatisfy(isConflict);
  });
});

describe('JSON', () => {
  it.each([
    ['order of members', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['undefined members', { a: 1, b: undefined }, { a: 1 }, true],
    ['order of items', [1, 2], [2, 1], false],
    ['null and absent', { a: null }, {}, false],
    ['list and object', [], {}, false],
    ['nested', { a: [{ b: 1 }] }, { a: [{ b: 1 }] }, true],
  ])('comparison: %s', (_what, one, other, expected) => {
    expect(sameJson(one, other)).toBe(expected);
    expect(sameJson(other, one)).toBe(expected);
  });

  it.each([
    ['nothing', { a: 1 }, { a: 1 }, undefined],
    ['set, change, remove', { a: 1, b: 2 }, { a: 3, c: 4 }, { a: 3, b: null, c: 4 }],
    ['deep change', { a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, { a: { c: 3 } }],
    ['lists whole', { a: [1, 2] }, { a: [1] }, { a: [1] }],
    ['object becomes text', { a: { b: 1 } }, { a: 'x' }, { a: 'x' }],
    ['emptied object', { a: { b: 1 } }, { a: {} }, { a: { b: null } }],
  ])('merge patch: %s', (_what, from, to, expected) => {
    expect(mergePatch(from, to)).toEqual(expected);
  });
});
