import { expect, it } from 'vitest';
import { type Condition, findCondition, isFalse, isTrue, removeConditions, setCondition } from './conditions.ts';

const T0 = new Date('2026-01-01T00:00:00.500Z');
const T1 = new Date('2026-01-01T01:00:00Z');
const ready = { type: 'Ready', status: 'False', reason: 'Waiting', message: 'not yet', observedGeneration: 1 } as const;
const base: Condition[] = setCondition([], ready, T0);

it('adds a condition with the time to the second', () => {
  expect(base).toEqual([{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }]);
  expect(setCondition(undefined, ready, T0)).toEqual(base);
});

it.each([
  { what: 'nothing changed: the same list', next: ready, sameList: true, time: '2026-01-01T00:00:00Z' },
  {
    what: 'another message: the time stays',
    next: { ...ready, message: 'soon' },
    sameList: false,
    time: '2026-01-01T00:00:00Z',
  },
  {
    what: 'another generation: the time stays',
    next: { ...ready, observedGeneration: 2 },
    sameList: false,
    time: '2026-01-01T00:00:00Z',
  },
  {
    what: 'another status: the time moves',
    next: { ...ready, status: 'True' as const },
    sameList: false,
    time: '2026-01-01T01:00:00Z',
  },
])('$what', ({ next, sameList, time }) => {
  const list = setCondition(base, next, T1);
  expect(list === base).toBe(sameList);
  expect(list).toEqual([{ ...next, lastTransitionTime: time }]);
});

it('leaves other conditions and their order alone, and the input unchanged', () => {
  const two = setCondition(base, { ...ready, type: 'Other' }, T0);
  const changed = setCondition(two, { ...ready, status: 'True' }, T1);
  expect(changed.map(({ type, status }) => `${type}=${status}`)).toEqual(['Ready=True', 'Other=False']);
  expect(two[0]?.status).toBe('False');
  expect(removeConditions(changed, 'Ready').map(({ type }) => type)).toEqual(['Other']);
});

it('drops a generation that the new state does not name', () => {
  const { observedGeneration: _, ...without } = ready;
  expect(setCondition(base, without, T1)[0]).not.toHaveProperty('observedGeneration');
});

it('answers questions, with no for what is not there', () => {
  expect(isFalse(base, 'Ready')).toBe(true);
  expect(isTrue(base, 'Ready')).toBe(false);
  expect(isTrue(undefined, 'Ready')).toBe(false);
  expect(isFalse([], 'Ready')).toBe(false);
  expect(findCondition(base, 'Ready')?.reason).toBe('Waiting');
});

it('cuts messages where the definitions of our kinds do', () => {
  const [cut] = setCondition(base, { ...ready, message: 'x'.repeat(40_000) }, T0);
  expect(cut?.message.length).toBe(4_096);
});
