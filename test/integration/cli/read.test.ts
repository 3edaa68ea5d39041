import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '@kriptik/operator/runtime/clock.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { jobStatus } from './fixtures.ts';
import { useBench } from './harness.ts';

const bench = useBench('cli-read');

beforeAll(async () => {
  const { world } = bench();
  await world.planned('helpdesk');
  await world.running('support', jobStatus('Running'));
});

describe('get', () => {
  it("prints the API server's own columns", async () => {
    const { code, out, err } = await bench().cli(['get', 'jobs']);
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out).toMatch(
      /^NAME +PHASE +STEP +LOSS +SPENT +BUDGET +ETA +AGE\nsupport-12345678 +Running +120 +1\.234 +0\.55 +5\.00 /,
    );
  });

  it('prints goals, plans and jobs when no kind is named, and wide columns on demand', async () => {
    const { out } = await bench().cli(['get']);
    for (const name of ['helpdesk ', 'helpdesk-12345678', 'support-12345678']) expect(out).toContain(name);
    const wide = await bench().cli(['get', 'tg', '-o', 'wide']);
    expect(wide.out).toMatch(/PLAN +MESSAGE/);
  });

  it('prints for programs: names, JSON without managed fields, and YAML', async () => {
    const names = await bench().cli(['get', 'goals', '-o', 'name']);
    expect(names.out).toBe('traininggoal.training.kriptik.ai/helpdesk\ntraininggoal.training.kriptik.ai/support\n');
    const json = JSON.parse((await bench().cli(['get', 'goal/helpdesk', '-o', 'json'])).out);
    expect(json).toMatchObject({ kind: 'TrainingGoal', metadata: { name: 'helpdesk' } });
    expect(json.metadata.managedFields).toBeUndefined();
    expect((await bench().cli(['get', 'goals', '-o', 'yaml'])).out).toMatch(/^apiVersion: v1\nkind: List\nitems:\n/);
  });

  it('selects by label and over all namespaces', async () => {
    const some = await bench().cli(['get', 'plans', '-l', 'training.kriptik.ai/goal=support', '--no-headers']);
    expect(some.out.trim().split('\n')).toHaveLength(1);
    const all = await bench().cli(['get', 'plans', '-A']);
    expect(all.out).toMatch(new RegExp(`^NAMESPACE +NAME.*\\n(.*\\n)*${bench().world.namespace} +helpdesk-12345678`));
  });

  it('says on the side that there is nothing', async () => {
    const { code, out, err } = await bench().cli(['get', 'jobs', '-l', 'none=such']);
    expect([code, out]).toEqual([0, '']);
    expect(err).toContain('No jobs found');
    expect((await bench().cli(['get', 'jobs', '-l', 'none=such', '-q'])).err).toBe('');
  });

  it('suggests near names for one that is missing', async () => {
    const { code, err } = await bench().cli(['get', 'goal', 'helpdsek']);
    expect(code).toBe(3);
    expect(err).toContain('goal "helpdsek" does not exist');
    expect(err).toContain('Did you mean "helpdesk"?');
  });

  it('watches: prints what is there, then a line a change, until interrupted', async () => {
    const interrupt = new AbortController();
    let made: Promise<unknown> | undefined;
    const { code, out } = await bench().cli(['get', 'goals', '-w', '-o', 'name'], {
      signal: interrupt.signal,
      onOutput: (text) => {
        made ??= bench().world.goal('watched');
        if (text.includes('/watched')) interrupt.abort(new DOMException('interrupted', 'AbortError'));
      },
    });
    await made;
    expect(code).toBe(130);
    expect(out).toContain('traininggoal.training.kriptik.ai/watched');
  });
});

describe('describe', () => {
  it('tells the story of a goal with tiles, price and what to do', async () => {
    const { code, out } = await bench().cli(['describe', 'helpdesk']);
    expect(code).toBe(0);
    for (const text of [
      'Goal helpdesk  AwaitingApproval',
      'SmolLM2 135M Instruct',
      'does not fit the memory',
      '$0.66',
      'kriptik approve helpdesk',
    ]) {
      expect(out).toContain(text);
    }
  });

  it('tells of a job: progress, cost, attempts, checkpoints', async () => {
    const { out } = await bench().cli(['describe', 'job', 'support-12345678']);
    for (const text of ['50 %, step 120 of 240', '$0.55 of $5.00, 11 %', '$6.00/h', 'step-00000120'])
      expect(out).toContain(text);
  });

  it('accepts a plan name where a goal is meant', async () => {
    expect((await bench().cli(['describe', 'helpdesk-12345678'])).out).toContain('Goal helpdesk');
  });
});

describe('cost and checkpoints', () => {
  it('sums over goals, and tells one in detail', async () => {
    const all = await bench().cli(['cost']);
    const amount = '\\$[\\d.,]+';
    // The attempt runs since a fixed day: what it has cost by now is computed, whatever the operator wrote last.
    expect(all.out).toMatch(
      new RegExp(
        `support +Training +${amount} +\\$0\\.00 +${amount} +${amount} +\\$5\\.00 +11 % +\\$0\\.05 +\\$1\\.10`,
      ),
    );
    expect(all.out).toMatch(/Total spent: \$[\d.,]+ \(compute/);
    expect((await bench().cli(['cost', 'support'])).out).toContain('compute $0.50, storage $0.00, platform fee $0.05');
    expect(JSON.parse((await bench().cli(['cost', 'support', '-o', 'json'])).out)).toMatchObject({
      job: 'support-12345678',
      limit: '5.00',
      forecast: '1.10',
    });
  });

  it('lists checkpoints, also by URI alone', async () => {
    expect((await bench().cli(['checkpoints', 'support'])).out).toMatch(/120 +Periodic +yes +5\.0 MiB/);
    expect((await bench().cli(['checkpoints', 'support', '-o', 'name'])).out).toBe(
      'file:///store/checkpoints/step-00000120\n',
    );
  });

  it('says that a goal has no job yet', async () => {
    const { code, err } = await bench().cli(['checkpoints', 'helpdesk']);
    expect(code).toBe(3);
    expect(err).toContain('kriptik approve helpdesk');
  });
});

/** A clock that jumps ahead instead of waiting. */
function hurried(): Clock {
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  return {
    now,
    setTimer: (ms, fn) => systemClock.setTimer(ms, fn),
    date: () => new Date(now()),
    sleep: async (ms) => {
      ahead += ms;
    },
  };
}

describe('watch', () => {
  it('ends at the phase asked for, with plain lines', async () => {
    const { code, out } = await bench().cli(['watch', 'support', '--until', 'running']);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^support: Running, 50 %, step 120 of 240, loss 1\.234, \$0\.55 of \$5\.00 \(11 %\), 3m left\n$/,
    );
    expect(out).not.toContain('\u001b');
  });

  it('gives up after the time given', async () => {
    const { code, err } = await bench().cli(['watch', 'support', '--until', 'succeeded', '--timeout', '0.1']);
    expect(code).toBe(6);
    expect(err).toContain('still Running');
  });

  it('says that no operator takes note of the goal', async () => {
    await bench().world.goal('ignored');
    const args = ['watch', 'ignored', '--until', 'running', '--timeout', '60'];
    const { code, out } = await bench().cli(args, { clock: hurried() });
    expect(code).toBe(6);
    expect(out).toBe(
      'ignored: Planning\nignored: no operator has looked at the goal as it is now; see "kriptik doctor"\n',
    );
  });

  it('ends with 8 when the phase cannot come any more', async () => {
    await bench().world.running('stuck', jobStatus('Failed'));
    const { code, err } = await bench().cli(['watch', 'stuck', '--until', 'succeeded']);
    expect(code).toBe(8);
    expect(err).toContain('the goal is Failed and will not become succeeded unless somebody acts');
    expect(err).toContain('- The job is Failed.');
    expect(err).toContain('kriptik logs stuck');
  });
});

describe('doctor and version', () => {
  it('finds the parts of a cluster that is set up, and what it lacks', async () => {
    const { code, out, err } = await bench().cli(['doctor']);
    expect(out).toMatch(/ok +api server/);
    expect(out).toMatch(/ok +crds +6 kinds served, equal to this release/);
    expect(out).toMatch(/ok +policies/);
    expect(out).toMatch(/FAIL +providers/);
    expect(out).toContain('fix: ');
    expect(code).toBe(1);
    expect(err).toContain('providers');
  });

  it('tell that no operator works, where nobody looked at a change', async () => {
    const clock = hurried();
    await clock.sleep(60_000);
    const { out } = await bench().cli(['doctor'], { clock });
    expect(out).toMatch(/FAIL +operator +none has looked at \S+, changed \S+ ago/);
    expect((await bench().cli(['version'], { clock })).out).toMatch(/operator +not at work: none has looked at/);
  });

  it('names the role that gives a missing right', async () => {
    const name = await bench().user('looker', 'kriptik-viewer');
    const { out } = await bench().as('looker', ['doctor']);
    expect(out).toContain(`${name} may not write goals, approve plans, raise budgets, pause jobs`);
    expect(out).toContain('--clusterrole=kriptik-editor');
  });

  it('tells versions', async () => {
    const { out } = await bench().cli(['version']);
    expect(out).toMatch(/kriptik +\d+\.\d+\.\d+ /);
    expect(out).toMatch(/crds +those of /);
  });
});

describe('no cluster, and the wrong one', () => {
  it.each([
    { name: 'nothing listens', server: 'https://127.0.0.1:1', args: ['get'], code: 7, want: 'no API server answered' },
    {
      name: 'an unknown context',
      server: 'https://127.0.0.1:1',
      args: ['get', '--context', 'prod'],
      code: 3,
      want: 'no context "prod"',
    },
  ])('$name', async ({ server, args, code, want }) => {
    const home = join(bench().folder, 'elsewhere');
    mkdirSync(home, { recursive: true });
    const path = join(home, 'config');
    writeFileSync(
      path,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'u', user: {} }],
        contexts: [{ name: 'dev', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'dev',
      }),
    );
    const ran = await bench().cli(['--kubeconfig', path, ...args]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(want);
    expect(ran.err).toContain('fix:');
  });
});
