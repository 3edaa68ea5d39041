/**
 * How long a plan takes: from a goal's text to a priced plan inside a process, and `kriptik plan` from a cold start.
 * Wall times on a shared machine move; the ratios to a bare Node of the same run are what to compare.
 *
 * ROUNDS (default 5) and STARTS (default 7) set how often.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';
import { loadCatalog } from '@kriptik/operator/catalog/catalog.ts';
import { readGold } from '@kriptik/operator/eval/gold.ts';
import { hubFrom } from '@kriptik/operator/hub/config.ts';
import { previewPlan } from '@kriptik/operator/plan/preview.ts';
import { publishedMarket } from '@kriptik/operator/planner/market.ts';
import { percentile } from './percentile.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const GOALS = join(ROOT, 'test', 'goals');
const EXAMPLE = join(ROOT, 'examples', 'quickstart', 'goal.yaml');

/** What is asked of both figures. */
const LIMITS = { planP99Ms: 50, coldStartMs: 700 };

/** Any moment does: nothing that is timed depends on it. */
const NOW = Date.parse('2026-01-01T00:00:00Z');

const catalog = loadCatalog();
const texts = readdirSync(GOALS)
  .filter((name) => name.endsWith('.jsonl'))
  .flatMap((name) => readGold(readFileSync(join(GOALS, name), 'utf8')).goals.map(({ text }) => text));

const plans = await timePlans(texts, catalog, Number(process.env['ROUNDS'] ?? 5));
const starts = timeStarts(Number(process.env['STARTS'] ?? 7));
process.stdout.write(`${[...planLines(plans), '', ...startLines(starts)].join('\n')}\n`);

interface PlanTimes {
  readonly milliseconds: readonly number[];
  readonly first: readonly number[];
  readonly priced: number;
}

async function timePlans(goals: readonly string[], facts: Catalog, rounds: number): Promise<PlanTimes> {
  const offers = publishedMarket(facts);
  const hub = hubFrom({ HF_HUB_OFFLINE: '1' }, { now: () => NOW });
  const milliseconds: number[] = [];
  let priced = 0;
  for (let round = 0; round < rounds; round += 1) {
    priced = 0;
    for (const goal of goals) {
      const began = performance.now();
      const preview = await previewPlan({
        // A limit and a source, so that goals which state none are priced, too.
        goal: {
          metadata: { name: 'bench', namespace: 'default', uid: '', generation: 1 },
          spec: {
            goal,
            budget: { limit: '500.00', currency: 'USD', alertAt: 80, warnAt: 95 },
            data: [{ uri: 's3://bench/rows.jsonl', rows: 5000 }],
          },
        },
        surroundings: () => ({ providers: [], offers }),
        policies: [],
        namespaceLabels: {},
        selection: {},
        market: { catalog: facts },
        hub,
        pin: false,
        checkData: () => Promise.reject(new Error('the benchmark has no local data')),
        now: NOW,
      });
      milliseconds.push(performance.now() - began);
      if ('digest' in preview) priced += 1;
    }
  }
  return { milliseconds, first: milliseconds.slice(0, goals.length), priced };
}

interface StartTimes {
  /** The very first start, with nothing compiled before. */
  readonly fresh: number;
  readonly kriptik: readonly number[];
  readonly node: readonly number[];
}

function timeStarts(count: number): StartTimes {
  const home = mkdtempSync(join(tmpdir(), 'kriptik-bench-'));
  const env = { PATH: process.env['PATH'], HOME: home };
  const kriptik = (): number => time(join(ROOT, 'bin', 'kriptik'), ['plan', '--offline', '-f', EXAMPLE], env);
  try {
    const fresh = kriptik();
    const times = Array.from({ length: count }, () => ({
      node: time(process.execPath, ['-e', '0'], env),
      kriptik: kriptik(),
    }));
    return { fresh, kriptik: times.map((one) => one.kriptik), node: times.map((one) => one.node) };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function time(command: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(command, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - began;
}

function planLines({ milliseconds, first, priced }: PlanTimes): string[] {
  const show = (values: readonly number[]): string =>
    `p50 ${percentile(values, 0.5).toFixed(1)} ms, p99 ${percentile(values, 0.99).toFixed(1)} ms, most ${Math.max(...values).toFixed(1)} ms`;
  return [
    `goal to plan, in process: ${texts.length} goals, ${priced} of them priced, ${milliseconds.length} runs`,
    `  ${show(milliseconds)}   (wanted: p99 below ${LIMITS.planP99Ms} ms)`,
    `  first round alone: ${show(first)}`,
  ];
}

function startLines({ fresh, kriptik, node }: StartTimes): string[] {
  const ratios = kriptik.map((ms, index) => ms / (node[index] ?? Number.NaN));
  return [
    `kriptik plan -f examples/quickstart/goal.yaml, from a cold start: ${kriptik.length} runs`,
    `  median ${percentile(kriptik, 0.5).toFixed(0)} ms, most ${Math.max(...kriptik).toFixed(0)} ms   (wanted: below ${LIMITS.coldStartMs} ms)`,
    `  first start ever, nothing compiled before: ${fresh.toFixed(0)} ms`,
    `  baseline "node -e 0": median ${percentile(node, 0.5).toFixed(0)} ms; kriptik takes ${percentile(ratios, 0.5).toFixed(1)} times as long (median of pairs)`,
  ];
}
