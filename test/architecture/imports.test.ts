import { describe, expect, it } from 'vitest';
import { importsOf, isGenerated, isTest, projectFiles } from './sources.ts';

/**
 * What each part may import besides itself and packages, lowest first. An import that is missing here is wrong, or
 * its addition is a decision: a part may only reach parts that stand above it in this table.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  crds: [],
  // Knows nothing of training; could be a library of its own.
  'operator/runtime': [],
  'operator/money.ts': [],
  'operator/digest.ts': ['crds'],
  'operator/trainer': ['crds'],
  'operator/store': ['operator/trainer'],
  // A cluster's nodes are had through its API server: that backend speaks to it as everything else does.
  'operator/backends': ['crds', 'operator/runtime', 'operator/trainer', 'operator/store'],
  // The brains: pure functions over a catalog. They never see Kubernetes.
  'operator/catalog': ['crds'],
  'operator/estimator': ['crds', 'operator/money.ts', 'operator/catalog'],
  'operator/budget': ['crds', 'operator/money.ts'],
  'operator/intent': ['crds', 'operator/money.ts', 'operator/digest.ts', 'operator/catalog'],
  'operator/planner': ['crds', 'operator/money.ts', 'operator/catalog', 'operator/estimator'],
  // Scores the brains against answers that are known.
  'operator/eval': ['crds', 'operator/catalog', 'operator/estimator', 'operator/intent'],
  // What the cluster and the network say of themselves.
  'operator/cluster.ts': ['crds', 'operator/runtime'],
  'operator/hub': ['crds', 'operator/catalog'],
  // Asks providers and the Hub for what the catalog says today.
  'operator/refresh': ['operator/catalog', 'operator/hub'],
  'operator/secrets.ts': ['operator/runtime'],
  // Figures for Prometheus, from the objects as the API server shows them.
  'operator/metrics': ['crds', 'operator/runtime', 'operator/budget', 'operator/money.ts'],
  // The kinds. Each may use those above it: a job reads its plan, a plan its goal, never the other way.
  'operator/policy': ['crds', 'operator/runtime', 'operator/catalog'],
  'operator/provider': [
    'crds',
    'operator/runtime',
    'operator/money.ts',
    'operator/trainer',
    'operator/store',
    'operator/secrets.ts',
    'operator/backends',
    'operator/catalog',
    'operator/planner',
  ],
  'operator/goal': [
    'crds',
    'operator/runtime',
    'operator/money.ts',
    'operator/digest.ts',
    'operator/catalog',
    'operator/intent',
    'operator/budget',
  ],
  'operator/plan': [
    'crds',
    'operator/runtime',
    'operator/money.ts',
    'operator/digest.ts',
    'operator/trainer',
    'operator/catalog',
    'operator/intent',
    'operator/planner',
    'operator/hub',
    'operator/budget',
    'operator/provider',
    'operator/goal',
  ],
  'operator/job': [
    'crds',
    'operator/runtime',
    'operator/money.ts',
    'operator/trainer',
    'operator/store',
    'operator/backends',
    'operator/budget',
    'operator/planner',
    'operator/provider',
    'operator/goal',
    'operator/plan',
  ],
  'operator/concerns.ts': ['crds', 'operator/runtime'],
  'operator/wiring.ts': ['crds', 'operator/runtime', 'operator/concerns.ts', 'operator/goal', 'operator/job'],
};

/** Wiring: may import anything of the operator, and nothing of it imports them but what starts the program. */
const PROGRAMS = ['operator/main.ts', 'operator/serve.ts'];

/** The part a file belongs to: a folder of the operator, a file of its root, or a workspace. */
function partOf(path: string): string {
  const [workspace = '', name = ''] = path.split('/');
  return workspace === 'operator' ? `operator/${name}` : workspace;
}

const isOurs = (path: string): boolean => /^(crds|operator|cli|tools|test|dashboard)\//.test(path);

const edges = projectFiles(/^(crds|operator|cli|tools|test)\/.*\.ts$/)
  .filter((path) => !isGenerated(path))
  .flatMap(importsOf)
  .filter(({ to }) => isOurs(to))
  .map((edge) => ({ ...edge, source: partOf(edge.from), target: partOf(edge.to) }));
const production = edges.filter(({ from }) => !isTest(from));

const told = (found: typeof edges): string[] => found.map(({ from, to }) => `${from} imports ${to}`);

describe('imports point one way', () => {
  it('finds the imports it is to judge', () => {
    expect(production.length).toBeGreaterThan(300);
    expect(told(production)).toContain('operator/main.ts imports operator/runtime/rest.ts');
    expect(told(production)).toContain('cli/commands/up.ts imports tools/controlplane/controlplane.ts');
  });

  it('reaches only the parts that are named for it', () => {
    const wrong = production.filter(
      ({ source, target }) =>
        source !== target && source in MAY_IMPORT && MAY_IMPORT[source]?.includes(target) === false,
    );
    expect(told(wrong)).toEqual([]);
  });

  it('knows every part of the operator', () => {
    const parts = new Set(production.map(({ source }) => source).filter((part) => part.startsWith('operator/')));
    const unknown = [...parts].filter((part) => !(part in MAY_IMPORT) && !PROGRAMS.includes(part));
    expect(unknown).toEqual([]);
  });

  it('has an order: a part names only parts that stand above it', () => {
    const order = Object.keys(MAY_IMPORT);
    const upward = Object.entries(MAY_IMPORT).flatMap(([part, allowed]) =>
      allowed
        .filter((other) => order.indexOf(other) < 0 || order.indexOf(other) >= order.indexOf(part))
        .map((other) => `${part}: ${other}`),
    );
    expect(upward).toEqual([]);
  });

  it('allows nothing that is not used', () => {
    const used = new Set(production.map(({ source, target }) => `${source} -> ${target}`));
    const unused = Object.entries(MAY_IMPORT).flatMap(([part, allowed]) =>
      allowed.map((other) => `${part} -> ${other}`).filter((edge) => !used.has(edge)),
    );
    expect(unused).toEqual([]);
  });

  it('lets only programs import the wiring', () => {
    const starters = [...PROGRAMS, 'cli/commands/up.ts'];
    const wrong = production.filter(({ from, to }) => PROGRAMS.includes(to) && !starters.includes(from));
    expect(told(wrong)).toEqual([]);
  });

  it('keeps the operator free of the command line, the tools and the tests', () => {
    const wrong = production.filter(
      ({ source, target }) => /^(operator|crds)/.test(source) && ['cli', 'tools', 'test', 'dashboard'].includes(target),
    );
    expect(told(wrong)).toEqual([]);
  });

  it('keeps the tools free of the product: they would serve any operator, but for the fit of its constants', () => {
    const wrong = production.filter(
      ({ source, target, from }) => source === 'tools' && target !== 'tools' && !from.startsWith('tools/calibrate/'),
    );
    expect(told(wrong)).toEqual([]);
  });

  it('loads the control plane in one command only', () => {
    const found = new Set(
      production
        .filter(({ source, target, typeOnly }) => source === 'cli' && target === 'tools' && !typeOnly)
        .map(({ from }) => from),
    );
    expect([...found]).toEqual(['cli/commands/up.ts']);
  });

  it('lets no production file import what is made for tests', () => {
    const wrong = production.filter(({ to }) => isTest(to));
    expect(told(wrong)).toEqual([]);
  });
});
