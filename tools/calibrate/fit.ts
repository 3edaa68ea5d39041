#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '@kriptik/operator/catalog/read.ts';
import { calibrate } from './calibrate.ts';
import { withConstants, withReport } from './report.ts';

/**
 * Fits the constants of the time estimate to the published runs of
 * operator/catalog/data/calibration.tsv, and writes them into speeds.yaml and what they
 * achieve into docs/estimates.md. With --check nothing is written: exit code 1 tells that a file would change.
 */
const ROOT = join(import.meta.dirname, '..', '..');
const DATA = join(ROOT, 'operator', 'catalog', 'data');
const SPEEDS = join(DATA, 'speeds.yaml');
const DOC = join(ROOT, 'docs', 'estimates.md');

const calibration = calibrate(readFileSync(join(DATA, 'calibration.tsv'), 'utf8'), readCatalog(DATA));
const results = [
  {
    path: SPEEDS,
    now: readFileSync(SPEEDS, 'utf8'),
    wanted: withConstants(readFileSync(SPEEDS, 'utf8'), calibration.fitted),
  },
  { path: DOC, now: readFileSync(DOC, 'utf8'), wanted: withReport(readFileSync(DOC, 'utf8'), calibration) },
];
const { fitted, held } = calibration.half.all;
console.log(`fitted half: ${fitted.rows} rows, median error ${text(fitted.median)}, p90 ${text(fitted.p90)}`);
console.log(`held-out half: ${held.rows} rows, median error ${text(held.median)}, p90 ${text(held.p90)}`);
for (const { path, now, wanted } of results) {
  if (now === wanted) continue;
  if (process.argv.includes('--check')) {
    console.error(`${path} is not what the script gives: run node tools/calibrate/fit.ts`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, wanted);
    console.log(`wrote ${path}`);
  }
}

function text(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
