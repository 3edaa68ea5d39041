// The operator as a process of its own for tests, with the stand-in trainer:
//   node operator-process.ts KUBECONFIG '{"settings": {...}, "trainerArguments": ["--step-ms", "50"]}'
// Prints "ready" once its caches have synced. Leaves its trainers alone when it ends, as the real one does.
import { join } from 'node:path';
import { startOperator } from '@kriptik/operator/main.ts';
import { createLogger } from '@kriptik/operator/runtime/log.ts';

const [kubeconfig = '', json = '{}'] = process.argv.slice(2);
const options = JSON.parse(json) as { settings?: object; trainerArguments?: string[] };

const operator = await startOperator({
  kubeconfig,
  log: createLogger({ name: 'operator', level: process.env['LOG_LEVEL'] ?? 'warn' }),
  settings: options.settings ?? {},
  trainer: {
    python: 'python3',
    trainerCommand: [
      process.execPath,
      join(import.meta.dirname, 'fake-trainer.ts'),
      ...(options.trainerArguments ?? []),
    ],
    trainerEnv: {},
  },
  env: { ...process.env, HF_HUB_OFFLINE: '1', ANTHROPIC_API_KEY: '' },
});
const timer = setInterval(() => {
  if (!operator.ready()) return;
  clearInterval(timer);
  process.stdout.write('ready\n');
}, 20);
process.once('SIGTERM', () => void operator.stop().then(() => process.exit(0)));
await operator.done;
