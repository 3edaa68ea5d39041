import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportFleet, type FleetCaches } from '@kriptik/operator/metrics/index.ts';
import { systemClock } from '@kriptik/operator/runtime/clock.ts';
import { RuntimeMetrics } from '@kriptik/operator/runtime/metrics.ts';
import { buildDashboard } from '@kriptik/tools/dashboard/dashboard.ts';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './sources.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const rules: Rule[] = (
  parse(read('config/monitoring/prometheus-rules.yaml')) as { spec: { groups: { rules: Rule[] }[] } }
).spec.groups.flatMap((group) => group.rules);

const empty = { list: () => [], onEvent: () => () => undefined };

/** Everything the operator exports, as Prometheus names it. */
async function exported(): Promise<Map<string, string>> {
  const { registry } = new RuntimeMetrics();
  exportFleet(
    registry,
    { goals: empty, plans: empty, jobs: empty, receipts: empty, providers: empty } as unknown as FleetCaches,
    systemClock,
  );
  const names = new Map<string, string>();
  for (const { name, help, type } of await registry.getMetricsAsJSON()) {
    names.set(name, help);
    if (String(type) === 'histogram') for (const end of ['bucket', 'sum', 'count']) names.set(`${name}_${end}`, help);
  }
  return names;
}

/** Names of metrics in a query: words with an underscore that open no call and stand outside of `by (...)` and `{...}`. */
function metricsIn(expression: string): string[] {
  const bare = expression.replaceAll(/\{[^}]*\}/g, '').replaceAll(/\b(by|without)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/\b([a-z]+(?:_[a-z0-9]+)+)\b(?!\s*\()/g)]
    .map((match) => match[1] ?? '')
    .filter((word) => !word.startsWith('__'));
}

describe('what people see of the metrics', () => {
  const panels = buildDashboard().panels ?? [];
  const queries = panels.flatMap(
    (panel) => ('targets' in panel ? (panel.targets ?? []) : []) as unknown as { expr: string }[],
  );
  const expressions = [...rules.map(({ expr }) => expr), ...queries.map(({ expr }) => expr)];

  it('asks only for what the operator exports', async () => {
    const names = await exported();
    const asked = new Set(expressions.flatMap(metricsIn));
    expect(asked.size).toBeGreaterThan(20);
    expect([...asked].filter((name) => !names.has(name))).toEqual([]);
  });

  it('keeps to the conventions: a prefix, a unit, _total for counters only', async () => {
    const { registry } = new RuntimeMetrics();
    exportFleet(
      registry,
      { goals: empty, plans: empty, jobs: empty, receipts: empty, providers: empty } as unknown as FleetCaches,
      systemClock,
    );
    const own = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith('kriptik_'));
    expect(own.length).toBeGreaterThan(15);
    for (const { name, type } of own) {
      expect([name, name.endsWith('_total')]).toEqual([name, String(type) === 'counter']);
      expect(name).not.toMatch(/(_ms|_milliseconds|_minutes|_dollars|_cents)(_|$)/);
    }
  });

  it('is described in the documents, every metric and every alert', async () => {
    const page = read('docs/monitoring.md');
    const own = [...(await exported()).keys()].filter(
      (name) => name.startsWith('kriptik_') && !/_(bucket|sum|count)$/.test(name),
    );
    expect([...own, ...rules.map(({ alert }) => alert)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('has a test of promtool for each alert, and a page that says what to do', () => {
    const tests = read('config/monitoring/tests/rules_test.yaml');
    for (const { alert, annotations } of rules) {
      expect(tests).toContain(`alertname: ${alert}\n        exp_alerts:\n          - `);
      expect([alert, existsSync(join(ROOT, annotations['runbook'] ?? ''))]).toEqual([alert, true]);
    }
  });
});
