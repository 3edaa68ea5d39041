import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildDashboard } from '@kriptik/tools/dashboard/dashboard.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { promtool } from '../support/promtool.ts';

const run = promisify(execFile);
const MONITORING = join(import.meta.dirname, '..', '..', 'config', 'monitoring');
const tool = await promtool();

describe.skipIf(tool === undefined)('alerts, as Prometheus itself reads them', () => {
  let folder: string;
  const check = async (...args: string[]): Promise<string> => (await run(tool ?? '', args, { cwd: folder })).stdout;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kriptik-rules-'));
    const { spec } = parse(await readFile(join(MONITORING, 'prometheus-rules.yaml'), 'utf8')) as { spec: object };
    await writeFile(join(folder, 'rules.yaml'), stringify(spec));
    await copyFile(join(MONITORING, 'tests', 'rules_test.yaml'), join(folder, 'rules_test.yaml'));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it('are well formed', async () => {
    expect(await check('check', 'rules', 'rules.yaml')).toMatch(/SUCCESS: 1[0-9] rules found/);
  });

  it('fire when they should, with their words, and not when they should not', async () => {
    expect(await check('test', 'rules', 'rules_test.yaml')).toContain('SUCCESS');
  });

  it('share their language with the panels of the dashboard', async () => {
    const targets = (buildDashboard().panels ?? []).flatMap((panel) =>
      'targets' in panel ? (panel.targets ?? []) : [],
    );
    const rules = (targets as unknown as { expr: string }[]).map(({ expr }, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(namespace|job)/g, '.*'),
    }));
    expect(rules.length).toBeGreaterThan(15);
    await writeFile(join(folder, 'panels.yaml'), stringify({ groups: [{ name: 'panels', rules }] }));
    expect(await check('check', 'rules', 'panels.yaml')).toContain(`SUCCESS: ${rules.length} rules found`);
  });
});
