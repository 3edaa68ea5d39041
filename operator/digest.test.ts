import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, hashOf, planDigest, rememberedFor } from './digest.ts';
import { makeContract, planned } from './planner/test-builders.ts';
import { deepFreeze } from './runtime/freeze.ts';

describe('canonicalJson', () => {
  it.each([
    [
      'sorts keys by UTF-16 code unit',
      { '\u20ac': 1, '\r': 2, '1': 3, '\ud83d\ude00': 4, a: 5 },
      '{"\\r":2,"1":3,"a":5,"€":1,"😀":4}',
    ],
    [
      'writes numbers as ECMAScript does',
      [1 / 3, 1e30, 4.5, 2e-3, 1e-27, -0],
      '[0.3333333333333333,1e+30,4.5,0.002,1e-27,0]',
    ],
    ['leaves undefined members out', { a: undefined, b: null }, '{"b":null}'],
  ])('%s', (_name, value, want) => {
    expect(canonicalJson(value)).toBe(want);
  });

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a lone surrogate', '\ud800'],
    ['undefined', undefined],
  ])('refuses %s', (_name, value) => {
    expect(() => canonicalJson(value)).toThrow();
  });
});

describe('hashOf', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(hashOf(reversed)).toBe(hashOf(value));
      }),
    );
  });

  it('gives the published hash of a known value', () => {
    expect(hashOf({})).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  });
});

describe('planDigest', () => {
  const contract = makeContract();
  const { resolved, quote } = planned();

  it('is the same for the same plan, and ignores what stands beside it', () => {
    const again = planned();
    expect(planDigest({ ...again, contract: makeContract() })).toBe(planDigest({ contract, resolved, quote }));
  });

  it.each([
    ['price', { quote: { ...quote, unitPricePerHour: '6.01' } }],
    ['date of the price', { quote: { ...quote, priceAsOf: '2026-11-21' } }],
    ['limit', { contract: makeContract({}, '26.00') }],
    ['model revision', { resolved: { ...resolved, model: { ...resolved.model, revision: 'abc' } } }],
    ['order of providers', { resolved: { ...resolved, providerOrder: [] } }],
  ])('changes with the %s', (_name, change) => {
    expect(planDigest({ contract, resolved, quote, ...change })).not.toBe(planDigest({ contract, resolved, quote }));
  });

  it('changes with a selection', () => {
    const other = planned({ selection: { method: 'full' } });
    expect(planDigest({ contract, ...other })).not.toBe(planDigest({ contract, resolved, quote }));
  });
});

describe('hashes of objects from a cache', () => {
  it('are worked out once', () => {
    const spec = deepFreeze({ goal: 'Answer.' });
    let made = 0;
    const hash = () => rememberedFor(spec, 'input', () => hashOf({ made: made++ }));
    expect(hash()).toBe(hash());
    expect(made).toBe(1);
  });

  it('are told apart by what they are of', () => {
    const spec = deepFreeze({ goal: 'Answer.' });
    expect(rememberedFor(spec, 'a', () => hashOf(1))).not.toBe(rememberedFor(spec, 'b', () => hashOf(2)));
  });

  it('follow an object that may still change', () => {
    const spec = { goal: 'Answer.' };
    const before = rememberedFor(spec, 'input', hashOf);
    spec.goal = 'Answer in rhyme.';
    expect(rememberedFor(spec, 'input', hashOf)).not.toBe(before);
  });
});
