import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '@kriptik/operator/catalog/read.ts';
import { describe, expect, it } from 'vitest';
import { calibrate } from './calibrate.ts';
import { withConstants, withReport } from './report.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DATA = join(ROOT, 'operator', 'catalog', 'data');
const read = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8');

describe('calibration', () => {
  const calibration = calibrate(read(DATA, 'calibration.tsv'), readCatalog(DATA));

  it('predicts the half that was not fitted within 25 % at the median', () => {
    expect(calibration.half.all.held.rows).toBeGreaterThan(90);
    expect(calibration.half.all.held.median).toBeLessThan(0.25);
    expect(calibration.half.language.held.median).toBeLessThan(0.25);
    expect(calibration.half.latent.held.median).toBeLessThan(0.35);
  });

  it('does so whichever half is drawn', () => {
    expect(calibration.drawn.filter(({ median }) => median > 0.25)).toEqual([]);
  });

  it('predicts most sources from all the others', () => {
    const medians = calibration.bySource.filter(({ rows }) => rows >= 4).map(({ median }) => median);
    expect(medians.filter((median) => median > 0.45)).toEqual([]);
  });

  it('gives the constants of speeds.yaml: else run node tools/calibrate/fit.ts', () => {
    const speeds = read(DATA, 'speeds.yaml');
    expect(withConstants(speeds, calibration.fitted)).toBe(speeds);
  });

  it('gives the report of docs/estimates.md: else run node tools/calibrate/fit.ts', () => {
    const doc = read(ROOT, 'docs', 'estimates.md');
    expect(withReport(doc, calibration)).toBe(doc);
  });
});
