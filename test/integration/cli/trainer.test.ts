import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ComputeProviderResource } from '@kriptik/crds';
import { clusterId } from '@kriptik/operator/cluster.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { jobStatus, PROVIDER } from './fixtures.ts';
import { useBench } from './harness.ts';

const bench = useBench('cli-trainer');

afterAll(async () => {
  await bench()
    .world.client.resource(ComputeProviderResource)
    .delete({ name: PROVIDER })
    .catch(() => undefined);
});

/** A provider of this machine whose trainers work in `workDir`. */
async function localProvider(workDir: string): Promise<void> {
  await bench()
    .world.client.resource(ComputeProviderResource)
    .apply({
      apiVersion: 'training.kriptik.ai/v1alpha1',
      kind: 'ComputeProvider',
      metadata: { name: PROVIDER },
      spec: { type: 'local', local: { gpu: 'cpu', pricePerHour: '6.00', workDir } },
    } as never);
}

describe('logs', () => {
  it("prints what the newest attempt's trainer wrote, without what could steer a terminal", async () => {
    const { world, cli, folder } = bench();
    await world.running('logged', jobStatus('Frozen'));
    await localProvider(folder);
    const instance = join(folder, (await clusterId(world.client)).slice(0, 8), 'instances', 'kriptik-1234abcd-1');
    const missing = await cli(['logs', 'logged']);
    expect(missing.code).toBe(3);
    expect(missing.err).toContain('left no output on this machine');
    mkdirSync(instance, { recursive: true });
    writeFileSync(join(instance, 'trainer.log'), 'one\ntwo \u001b[2J\nthree\n');
    expect((await cli(['logs', 'logged'])).out).toBe('one\ntwo \nthree\n');
    expect((await cli(['logs', 'logged', '--tail', '1'])).out).toBe('three\n');
    // The attempt is gone, so following it ends.
    expect((await cli(['logs', '-f', 'logged'])).out).toBe('one\ntwo \nthree\n');
    expect((await cli(['logs', 'logged', '--attempt', '7'])).err).toContain('There are: 1.');
  });
});

describe('try', () => {
  it('gives the prompts, the base and what was trained to the trainer and shows both answers', async () => {
    const { world, cli, folder } = bench();
    await world.running('tried', jobStatus('Frozen'));
    const python = join(folder, 'python');
    writeFileSync(
      python,
      '#!/bin/sh\nprintf \'%s \' "$@" > "$(dirname "$0")/args"\necho \'{"base":"b","tuned":"t","results":[{"prompt":"Hi?","base":"noise","tuned":"Hello!","expected":null}]}\'\n',
      { mode: 0o755 },
    );
    const env = { KRIPTIK_TRAINER_PYTHON: python, PATH: process.env['PATH'] ?? '' };
    const { code, out } = await cli(['try', 'tried', '--prompt', 'Hi?'], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/^ +base +│ trained\n\n> Hi\?\n +noise +│ Hello!/);
    const seen = await cli(['try', 'tried', '-p', 'Hi?', '-o', 'json'], { env });
    expect(JSON.parse(seen.out)).toMatchObject({ results: [{ tuned: 'Hello!' }] });

    writeFileSync(python, '#!/bin/sh\necho "error: the model cannot be loaded" >&2\nexit 20\n', { mode: 0o755 });
    const broken = await cli(['try', 'tried', '-p', 'Hi?'], { env });
    expect(broken.code).toBe(1);
    expect(broken.err).toContain('the models could not be compared: the model cannot be loaded');
    expect((await cli(['try', 'tried'], { env })).code).toBe(2);
  });
});

describe('plan', () => {
  const goal =
    'apiVersion: training.kriptik.ai/v1alpha1\nkind: TrainingGoal\nmetadata:\n  name: previewed\nspec:\n  goal: Train a small assistant that answers questions about our product, on this machine.\n  budget:\n    limit: "5.00"\n  data:\n    - uri: ./faq.jsonl\n';
  const row = (index: number): string =>
    `${JSON.stringify({ question: `What is part ${index}?`, answer: `Part ${index} is described in the manual.` })}\n`;

  it('prices a file without a cluster and applies nothing', async () => {
    const { cli, folder } = bench();
    writeFileSync(join(folder, 'goal.yaml'), goal);
    writeFileSync(join(folder, 'faq.jsonl'), Array.from({ length: 160 }, (_, index) => row(index)).join(''));
    const env = { HF_HUB_OFFLINE: '1' };
    const { code, out, err } = await cli(['--kubeconfig', 'none', 'plan', '-f', 'goal.yaml', '--rate', '2'], { env });
    expect(err).not.toContain('error');
    expect(code).toBe(0);
    for (const text of ['Model', 'Method', 'Data', 'GPU', 'Budget', '$2.00 an hour', 'total'])
      expect(out).toContain(text);
    expect((await cli(['get', 'goal', 'previewed'])).code).toBe(3);
    const data = JSON.parse((await cli(['plan', '-f', 'goal.yaml', '--rate', '2', '-o', 'json'], { env })).out);
    expect(data.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('tells a data file that is missing', async () => {
    const { cli } = bench();
    const { code, err } = await cli(['plan', '-f', '-', '--rate', '2'], {
      stdin: goal.replace('faq', 'nowhere'),
      env: { HF_HUB_OFFLINE: '1' },
    });
    expect(code).toBe(11);
    expect(err).toContain('nowhere.jsonl does not exist on this machine');
  });

  it('shows the plan of an applied goal, and waits no longer than it is told', async () => {
    const { world, cli } = bench();
    const plan = await world.planned('shown');
    const goalNow = await world.readGoal('shown');
    await world.goalStatus('shown', { observedGeneration: goalNow.metadata.generation });
    const { code, out } = await cli(['plan', 'shown', '-o', 'json']);
    expect([code, JSON.parse(out).metadata.uid]).toEqual([0, plan.metadata.uid]);
    await world.goal('unseen');
    expect((await cli(['plan', 'unseen', '--timeout', '0.1'])).code).toBe(6);
  });

  it('passes on the questions of a goal that is too vague', async () => {
    const { world, cli } = bench();
    const made = await world.goal('vague');
    await world.goalStatus('vague', {
      observedGeneration: made.metadata.generation,
      phase: 'NeedsClarification',
      intent: {
        inputHash: `sha256:${'0'.repeat(64)}`,
        outcome: 'NeedsClarification',
        source: 'offline',
        questions: [{ field: 'spec.data', question: 'Which data?' }],
      },
    });
    const { code, err } = await cli(['plan', 'vague']);
    expect(code).toBe(9);
    expect(err).toContain('spec.data: Which data?');
  });
});
