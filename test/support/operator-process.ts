// The operator as a process of its own for tests, with the stand-in trainer:
//   node operator-process.ts KUBECONFIG '{"settings": {...}, "trainerArguments": ["--step-ms", "50"]}'
// With "findTrainer": true it looks for a trainer as the real one does.
// "env" adds to the environment of the operator, which by itself asks no Hub and no Claude.
// Prints "ready" once its caches have synced. Leaves its trainers alone when it ends, as the real one does.
import { join } from 'node:path';
import { startOperator } from '@kriptik/operator/main.ts';
import type { LocalTrainer } from '@kriptik/operator/provider/local.ts';
import { createLogger } from '@kriptik/operator/runtime/log.ts';

const [kubeconfig = '', json = '{}'] = process.argv.slice(2);
const options = JSON.parse(json) as {
  settings?: object;
  trainerArguments?: string[];
  findTrainer?: boolean;
  env?: Record<string, string>;
};

const operator = await startOperator({
  kubeconfig,
  log: createLogger({ name: 'operator', level: process.env['LOG_LEVEL'] ?? 'warn' }),
  settings: options.settings ?? {},
  ...(options.findTrainer === true ? {} : { trainer: standIn() }),
  env: { ...process.env, HF_HUB_OFFLINE: '1', ANTHROPIC_API_KEY: '', ...options.env },
});

function standIn(): LocalTrainer {
  const script = join(import.meta.dirname, 'fake-trainer.ts');
  const trainerCommand = [process.execPath, script, ...(options.trainerArguments ?? [])];
  return { python: 'python3', trainerCommand, trainerEnv: {} };
}

const timer = setInterval(() => {
  if (!operator.ready()) return;
  clearInterval(timer);
  process.stdout.write('ready\n');
}, 20);
process.once('SIGTERM', () => void operator.stop().then(() => process.exit(0)));
await operator.done;
