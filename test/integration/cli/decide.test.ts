import { describe, expect, it } from 'vitest';
import { DIGEST, OTHER_DIGEST, planStatus, quote } from './fixtures.ts';
import { useBench } from './harness.ts';

const bench = useBench('cli-decide');

describe('approve', () => {
  it('shows the tiles and the price, asks, and approves in the name of the caller', async () => {
    await bench().world.planned('asked');
    const { code, out, questions } = await bench().cli(['approve', 'asked', '--reason', 'cheap enough'], {
      answers: ['y'],
    });
    expect(code).toBe(0);
    for (const text of ['SmolLM2 135M Instruct', 'This machine', '$0.66', '$5.00', 'a1a1a1a1a1a1'])
      expect(out).toContain(text);
    expect(questions[0]).toContain('$0.66 expected ($0.53 to $0.99) in 6m, limit $5.00');
    const plan = await bench().world.plan('asked-12345678');
    expect(plan.status?.approval).toMatchObject({
      decision: 'Approved',
      digest: DIGEST,
      via: 'status',
      reason: 'cheap enough',
    });
    expect(plan.status?.approval?.user).not.toBe('');
  });

  it.each([{ asked: true }, { asked: false }])(
    'warns of a price that does not fit the limit (asked: $asked)',
    async ({ asked }) => {
      const name = asked ? 'tight' : 'tight-too';
      await bench().world.planned(name);
      const status = planStatus({ limit: '0.10' });
      const message = 'The expected $0.66 does not fit the limit of $0.10: training will freeze near step 26.';
      const warnings = [message, 'Raise the budget by $0.60.'];
      await bench().world.planStatus(`${name}-12345678`, {
        ...status,
        tiles: (status.tiles ?? []).map((tile) => (tile.name === 'Budget' ? { ...tile, warnings } : tile)),
        quote: { ...quote('0.10'), fits: false, message },
      });
      const { code, out } = asked
        ? await bench().cli(['approve', name], { answers: ['y'] })
        : await bench().cli(['approve', name, '--yes']);
      expect(code).toBe(0);
      const [, after = ''] = out.split('▲ This plan does not fit its limit\n');
      expect(after.replace(/\s+/g, ' ')).toMatch(
        /^ The expected \$0\.66 .* step 26\. Raise the budget by \$0\.60\. plan\//,
      );
    },
  );

  it.each(['', 'n', 'maybe'])('changes nothing when the answer is "%s"', async (answer) => {
    await bench().world.planned('hesitant');
    const { code, err } = await bench().cli(['approve', 'hesitant'], { answers: [answer] });
    expect(code).toBe(4);
    expect(err).toContain('not confirmed');
    expect((await bench().world.plan('hesitant-12345678')).status?.approval).toBeUndefined();
  });

  it('refuses to guess when nobody can be asked, and says how a script does it', async () => {
    await bench().world.planned('scripted');
    const { code, err } = await bench().cli(['approve', 'scripted']);
    expect(code).toBe(2);
    expect(err).toContain('--yes --digest a1a1a1a1a1a1');
    expect((await bench().cli(['approve', 'scripted', '--yes', '--digest', 'a1a1a1a1a1a1'])).code).toBe(0);
  });

  it('approves nothing when the plan changed while the person was reading', async () => {
    await bench().world.planned('moving');
    const change = async (): Promise<void> => {
      await bench().world.planStatus('moving-12345678', planStatus({ digest: OTHER_DIGEST, expected: '0.90' }));
    };
    const { code, err } = await bench().cli(['approve', 'moving'], { answers: ['y'], beforeAnswer: change });
    expect(code).toBe(5);
    expect(err).toContain('it was a1a1a1a1a1a1, now it is b2b2b2b2b2b2');
    expect((await bench().world.plan('moving-12345678')).status?.approval).toBeUndefined();
  });

  it('goes on when only something else of the plan changed meanwhile', async () => {
    await bench().world.planned('touched');
    const touch = async (): Promise<void> => {
      await bench().world.planStatus('touched-12345678', { ...planStatus(), observedGeneration: 2 });
    };
    expect((await bench().cli(['approve', 'touched'], { answers: ['yes'], beforeAnswer: touch })).code).toBe(0);
  });

  it('refuses an old digest given on the command line', async () => {
    await bench().world.planned('stale');
    const { code, err } = await bench().cli(['approve', 'stale', '--yes', '--digest', OTHER_DIGEST]);
    expect(code).toBe(5);
    expect(err).toContain('nothing was decided');
  });

  it('is refused by the API server for a user without the verb, who is told how to get it', async () => {
    await bench().world.planned('guarded');
    const name = await bench().user('writer', 'kriptik-editor');
    const { code, err } = await bench().as('writer', ['approve', 'guarded', '--yes']);
    expect(code).toBe(4);
    expect(err).toContain(`"${name}"`);
    expect(err).toContain('kriptik-approver');
    expect((await bench().world.plan('guarded-12345678')).status?.approval).toBeUndefined();
  });

  it('works for a user with the verb, under the own name', async () => {
    await bench().world.planned('granted');
    const name = await bench().user('approver', 'kriptik-approver');
    const { code, err } = await bench().as('approver', ['approve', 'granted', '--yes']);
    expect(err).not.toContain('error');
    expect(code).toBe(0);
    expect((await bench().world.plan('granted-12345678')).status?.approval?.user).toBe(name);
  });

  it('does not decide twice', async () => {
    await bench().world.planned('twice');
    await bench().cli(['deny', 'twice', '--yes']);
    const { code, err } = await bench().cli(['approve', 'twice', '--yes']);
    expect(code).toBe(5);
    expect(err).toContain('already denied by');
  });
});

describe('deny', () => {
  it('records the decision with its reason', async () => {
    await bench().world.planned('denied');
    expect((await bench().cli(['deny', 'denied', '--yes', '--reason', 'too dear'])).code).toBe(0);
    expect((await bench().world.plan('denied-12345678')).status?.approval).toMatchObject({
      decision: 'Denied',
      reason: 'too dear',
    });
  });
});

describe('select', () => {
  it('writes the choice, waits for the new price and shows the change', async () => {
    await bench().world.planned('choosy');
    const selecting = bench().cli(['select', 'choosy', 'model=smollm2-360m-instruct', '--timeout', '20']);
    // Plays the operator: answers to the new generation with a new price.
    const { world } = bench();
    await expect
      .poll(async () => (await world.plan('choosy-12345678')).spec.selection?.model, { timeout: 10_000 })
      .toBe('smollm2-360m-instruct');
    const { metadata } = await world.plan('choosy-12345678');
    await world.planStatus('choosy-12345678', {
      ...planStatus({ digest: OTHER_DIGEST, expected: '0.88' }),
      observedGeneration: metadata.generation,
    });
    const { code, out } = await selecting;
    expect(code).toBe(0);
    expect(out).toMatch(/Total +\$0\.66 +\$0\.88/);
  });

  it('ends with 6 when no price comes', async () => {
    await bench().world.planned('lonely');
    const { code, err } = await bench().cli(['select', 'lonely', 'model=smollm2-360m-instruct', '--timeout', '0.5']);
    expect(code).toBe(6);
    expect(err).toContain('kriptik doctor');
  });

  it.each([
    { choice: 'model=llama-3-8b', code: 4, want: 'does not fit the memory' },
    { choice: 'model=smollm2-360m', code: 3, want: 'Did you mean "smollm2-360m-instruct"?' },
    { choice: 'modle=x', code: 2, want: 'Did you mean "model"?' },
    { choice: 'gpu', code: 2, want: 'names no alternative' },
  ])('refuses $choice before anything is sent', async ({ choice, code, want }) => {
    await bench().world.planned('careful');
    const ran = await bench().cli(['select', 'careful', choice]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(want);
    expect((await bench().world.plan('careful-12345678')).metadata.generation).toBe(1);
  });

  it('leaves an approved plan alone', async () => {
    await bench().world.planned('settled');
    await bench().cli(['approve', 'settled', '--yes']);
    expect((await bench().cli(['select', 'settled', 'model=smollm2-360m-instruct'])).code).toBe(4);
  });
});
