import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit, stderr } from 'node:process';
import { buildDashboard } from './dashboard.ts';

/** Writes config/monitoring/grafana-dashboard.json; with --check says whether it is what the code makes. */
const target = join(import.meta.dirname, '..', '..', 'config', 'monitoring', 'grafana-dashboard.json');
const made = `${JSON.stringify(buildDashboard(), null, 2)}\n`;
if (argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== made) {
    stderr.write(
      'config/monitoring/grafana-dashboard.json is not what tools/dashboard makes: run `npm run generate`\n',
    );
    exit(1);
  }
} else {
  writeFileSync(target, made);
}
