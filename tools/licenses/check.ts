import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectDependencies } from './collect.ts';
import { findProblems, licensePage } from './report.ts';

// Checks the licences of all npm dependencies; with --write it first brings docs/licenses.md up to date.
const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'docs', 'licenses.md');
const dependencies = collectDependencies(root);
if (process.argv.includes('--write')) writeFileSync(path, licensePage(dependencies));
const problems = findProblems(dependencies, existsSync(path) ? readFileSync(path, 'utf8') : undefined);
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${dependencies.length} npm packages, all licences allowed`);
process.exitCode = problems.length > 0 ? 1 : 0;
