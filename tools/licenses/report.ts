import type { Dependency } from './collect.ts';
import { isAllowed } from './policy.ts';

/** The page that lists all dependencies with their licences. */
export function licensePage(dependencies: readonly Dependency[]): string {
  const shipped = dependencies.filter(({ development }) => !development);
  const development = dependencies.filter((dependency) => dependency.development);
  return [
    '# Licences of the npm dependencies',
    '',
    'Written by `node tools/licenses/check.ts --write`; `npm run check` fails when it is out of date.',
    'Which licences are allowed is decided in `tools/licenses/policy.ts`.',
    '',
    ...section('Part of what is shipped', shipped),
    ...section('Needed for development only', development),
  ].join('\n');
}

/** What is wrong, a line for each, with what to do; empty when all is well. */
export function findProblems(dependencies: readonly Dependency[], page: string | undefined): string[] {
  const problems = dependencies
    .filter(({ license, development }) => !isAllowed(license, development))
    .map(
      ({ name, version, license, development }) =>
        `${name} ${version} has the licence ${license}, which is not allowed ${development ? 'in development' : 'in what is shipped'}. Use another package, or, after reading its terms, add the licence to tools/licenses/policy.ts.`,
    );
  if (page !== licensePage(dependencies)) {
    problems.push('docs/licenses.md does not fit package-lock.json. Run: node tools/licenses/check.ts --write');
  }
  return problems;
}

function section(title: string, dependencies: readonly Dependency[]): string[] {
  const rows = dependencies.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
  return [`## ${title}`, '', '| package | version | licence |', '| --- | --- | --- |', ...rows, ''];
}
