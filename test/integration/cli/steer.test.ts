import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { jobStatus } from './fixtures.ts';
import { useBench } from './harness.ts';

const bench = useBench('cli-steer');

const goalFile = (name: string, limit: string): string =>
  `# the team's goal\napiVersion: training.kriptik.ai/v1alpha1\nkind: TrainingGoal\nmetadata:\n  name: ${name}\nspec:\n  goal: Train a small assistant.\n  budget:\n    limit: "${limit}" # small on purpose\n  data:\n    - uri: ./faq.jsonl\n`;

describe('pause and resume', () => {
  it('scales to zero and back, and says so when there is nothing to do', async () => {
    await bench().world.running('pausable', jobStatus('Running'));
    expect((await bench().cli(['pause', 'pausable'])).out).toContain('pausing: a checkpoint is saved first');
    expect((await bench().world.job('pausable-12345678')).spec.replicas).toBe(0);
    expect((await bench().cli(['pause', 'pausable'])).out).toContain('already being paused');
    expect((await bench().cli(['resume', 'job/pausable-12345678'])).out).toContain('resuming from step 120');
    expect((await bench().world.job('pausable-12345678')).spec.replicas).toBe(1);
    expect((await bench().cli(['resume', 'pausable'])).out).toContain('is not paused');
  });

  it('explains that a job frozen at its budget needs a raise', async () => {
    await bench().world.running('frozen', jobStatus('Frozen', { spent: '4.90', percent: 98 }));
    const { code, err } = await bench().cli(['resume', 'frozen']);
    expect(code).toBe(4);
    expect(err).toContain('$4.90 of $5.00 are spent');
    expect(err).toContain('kriptik raise frozen --by 1.25');
    expect((await bench().world.job('frozen-12345678')).spec.replicas).toBe(1);
  });

  it('refuses what is over', async () => {
    await bench().world.running('over', jobStatus('Failed'));
    expect((await bench().cli(['pause', 'over'])).code).toBe(4);
  });

  it('is refused for a viewer', async () => {
    await bench().world.running('kept', jobStatus('Running'));
    await bench().user('viewer', 'kriptik-viewer');
    const { code, err } = await bench().as('viewer', ['pause', 'kept']);
    expect(code).toBe(4);
    expect(err).toContain('lacks the verb "patch" on trainingjobs/scale');
  });
});

describe('apply and raise', () => {
  it('applies a file, tells what changed, and resolves its data beside it', async () => {
    const { cli, folder, world } = bench();
    mkdirSync(join(folder, 'goals'));
    writeFileSync(join(folder, 'goals', 'goal.yaml'), goalFile('filed', '1.00'));
    expect((await cli(['apply', '-f', 'goals'])).out).toBe('traininggoal.training.kriptik.ai/filed created\n');
    expect((await cli(['apply', '-f', 'goals/goal.yaml'])).out).toContain('unchanged');
    expect((await world.readGoal('filed')).spec.data?.[0]?.uri).toBe(
      pathToFileURL(join(folder, 'goals', 'faq.jsonl')).href,
    );
    const dry = await cli(['apply', '-f', '-', '--dry-run'], { stdin: goalFile('filed', '2.00') });
    expect(dry.out).toContain('configured (dry run)');
    expect((await world.readGoal('filed')).spec.budget?.limit).toBe('1.00');
  });

  it('tells to change the file, and changes it on demand, comments and all', async () => {
    const { cli, folder, world } = bench();
    writeFileSync(join(folder, 'mine.yaml'), goalFile('mine', '1.00'));
    await cli(['apply', '-f', 'mine.yaml']);
    const refused = await cli(['raise', 'mine', '--by', '0.50']);
    expect(refused.code).toBe(4);
    expect(refused.err).toContain('kriptik raise mine --to 1.50 -f FILE');
    const raised = await cli(['raise', 'mine', '--by', '0.50', '-f', 'mine.yaml']);
    expect([raised.code, raised.out]).toEqual([0, 'goal/mine limit $1.00 -> $1.50\n']);
    expect(readFileSync(join(folder, 'mine.yaml'), 'utf8')).toBe(goalFile('mine', '1.50'));
    expect((await world.readGoal('mine')).spec.budget?.limit).toBe('1.50');
  });

  it('leaves a goal of Git alone unless forced', async () => {
    await bench().world.goal('gitops', { limit: '1.00', labels: { 'argocd.argoproj.io/instance': 'ml' } });
    const { code, err } = await bench().cli(['raise', 'gitops', '--to', '3']);
    expect(code).toBe(4);
    expect(err).toContain('Argo CD application ml decides on this goal');
    expect((await bench().cli(['raise', 'gitops', '--to', '3', '--force'])).out).toBe(
      'goal/gitops limit $1.00 -> $3.00\n',
    );
    expect((await bench().world.readGoal('gitops')).spec.budget?.limit).toBe('3.00');
  });

  it('refuses a raise that is none', async () => {
    await bench().world.goal('plain', { limit: '1.00' });
    expect((await bench().cli(['raise', 'plain', '--to', '1'])).code).toBe(2);
    expect((await bench().cli(['raise', 'plain'])).code).toBe(2);
  });

  it('puts the file back when the API server refuses the raise', async () => {
    const { cli, as, user, folder } = bench();
    writeFileSync(join(folder, 'shared.yaml'), goalFile('shared', '1.00'));
    await cli(['apply', '-f', 'shared.yaml']);
    await user('editor', 'kriptik-editor');
    const { code, err } = await as('editor', ['raise', 'shared', '--to', '9', '-f', 'shared.yaml']);
    expect(code).toBe(4);
    expect(err).toContain('kriptik-budget-owner');
    expect(readFileSync(join(folder, 'shared.yaml'), 'utf8')).toBe(goalFile('shared', '1.00'));
  });

  it('shows what the server alone can find wrong', async () => {
    const text = goalFile('odd', '1.00').replace('  data:', '    alertAt: 95\n    warnAt: 80\n  data:');
    const { code, err } = await bench().cli(['apply', '-f', '-'], { stdin: text });
    expect(code).toBe(2);
    expect(err).toContain('spec.budget');
  });
});

describe('download', () => {
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

  /** A checkpoint as a trainer saves it; returns the hash of its manifest. */
  function save(folder: string, content: string): string {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'weights.bin'), content);
    const files = [{ path: 'weights.bin', size: content.length, sha256: sha(content) }];
    const manifest = JSON.stringify({
      format: 1,
      kind: 'checkpoint',
      step: 120,
      attempt: 'a',
      createdAt: '2026-11-20T10:00:00Z',
      files,
    });
    writeFileSync(join(folder, 'MANIFEST.json'), manifest);
    return sha(manifest);
  }

  it('copies a checkpoint whose every byte is what was saved, and nothing else', async () => {
    const { world, cli, folder } = bench();
    const store = join(folder, 'store', 'checkpoints', 'step-00000120');
    const manifestSha256 = save(store, 'the weights');
    const status = jobStatus('Running', { checkpointUri: pathToFileURL(store).href });
    const checkpoints = (status.checkpoints ?? []).map((checkpoint) => ({ ...checkpoint, manifestSha256 }));
    await world.running('saved', { ...status, checkpoints });

    const { code, out } = await cli(['download', 'saved', '--to', 'copy']);
    expect([code, out]).toEqual([0, `${join(folder, 'copy')}\n`]);
    expect(readFileSync(join(folder, 'copy', 'weights.bin'), 'utf8')).toBe('the weights');
    expect((await cli(['download', 'saved', '--to', 'copy'])).code).toBe(5);

    writeFileSync(join(store, 'weights.bin'), 'THE WEIGHTS');
    const broken = await cli(['download', 'saved', '--to', 'other']);
    expect(broken.code).toBe(1);
    expect(broken.err).toContain('weights.bin');
    expect(existsSync(join(folder, 'other'))).toBe(false);

    expect((await cli(['download', 'saved', '--checkpoint', '7'])).err).toContain('There are steps 120.');
  });

  it('copies all artifacts of a finished job side by side, or one of them', async () => {
    const { world, cli, folder } = bench();
    const artifacts = ['adapter', 'merged'].map((name) => {
      const path = join(folder, 'finished', name);
      return { name, uri: pathToFileURL(path).href, manifestSha256: save(path, `the ${name}`), sizeBytes: 11 };
    });
    await world.running('finished', { ...jobStatus('Succeeded'), artifacts });

    const { code, err } = await cli(['download', 'finished', '--to', 'model']);
    expect([code, err]).toEqual([
      0,
      'adapter: 1 files, 11 B, every hash verified.\nmerged: 1 files, 10 B, every hash verified.\n',
    ]);
    for (const name of ['adapter', 'merged'])
      expect(readFileSync(join(folder, 'model', name, 'weights.bin'), 'utf8')).toBe(`the ${name}`);
    expect((await cli(['download', 'finished', '--artifact', 'merged'])).code).toBe(0);
    expect(existsSync(join(folder, 'finished-merged', 'weights.bin'))).toBe(true);

    // One broken part, and nothing of the whole appears.
    writeFileSync(join(folder, 'finished', 'merged', 'weights.bin'), 'THE merged');
    expect((await cli(['download', 'finished', '--to', 'again'])).code).toBe(1);
    expect(existsSync(join(folder, 'again'))).toBe(false);
  });
});
