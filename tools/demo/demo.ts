// The quickstart, end to end, with the commands a user would type: plan, approve, freeze, raise, resume, compare.
//   node tools/demo/demo.ts [--yes] [--directory DIR]
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { StepFailed, Terminal } from './steps.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'quickstart');
const GOAL = 'helpdesk';

/** Declared price of this machine, USD an hour: dear enough for the budget to bind within two minutes. */
const RATE = '3.60';
/** Far more than it takes here: a slower machine needs more hours, and what is not spent stays. */
const RAISED_LIMIT = '2.00';

/** The embedded control plane is up after seconds; building its programs for the first time takes about nine minutes. */
const UP_TIMEOUT_MS = 30 * 60_000;

const { values } = parseArgs({
  options: { yes: { type: 'boolean', default: false }, directory: { type: 'string' } },
});
const data = process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share');
const directory = values.directory ?? join(data, 'kriptik', 'demo');
const kubeconfig = join(directory, 'kubeconfig');
const terminal = new Terminal({ ...process.env, KUBECONFIG: kubeconfig });

async function demo(): Promise<void> {
  if (!values.yes && !process.stdin.isTTY) {
    throw new StepFailed('The demo asks for your approval, but this is not a terminal. Run: make demo YES=1');
  }
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await cp(EXAMPLE, join(directory, 'example'), { recursive: true });
  const goalFile = join(directory, 'example', 'goal.yaml');

  terminal.say('1. A Kubernetes control plane and the operator on this machine');
  await up();

  terminal.say('2. The goal, in plain language');
  process.stdout.write(`${indent(await readFile(goalFile, 'utf8'))}\n`);
  await terminal.run('apply', '-f', goalFile);

  terminal.say('3. The plan made of it, with its price');
  await terminal.run('plan', GOAL);

  terminal.say('4. Approve exactly this plan');
  await terminal.run('approve', GOAL, ...(values.yes ? ['--yes'] : []));

  terminal.say('5. Training, until the budget is nearly spent');
  await terminal.run('watch', GOAL, '--until', 'frozen');
  await terminal.run('checkpoints', GOAL);

  terminal.say('6. Raise the budget in the file, as one would in Git');
  await raise(goalFile);
  await terminal.run('apply', '-f', goalFile);
  await terminal.run('watch', GOAL, '--until', 'succeeded');
  await terminal.run('cost', GOAL);

  terminal.say('7. The same questions to the base model and to the trained one');
  await terminal.run('try', GOAL, '--prompts', join(EXAMPLE, 'prompts.jsonl'));

  terminal.say('8. The model is yours');
  await terminal.run('download', GOAL, '--to', join(directory, 'model'));
  process.stdout.write(NEXT.replaceAll('DIRECTORY', directory));
}

const NEXT = `
Model:   DIRECTORY/model (adapter, merged weights and a model card)
Try next:
  - change the goal in examples/quickstart/goal.yaml, or put your own rows into data/helpdesk.jsonl
  - bin/kriptik up                     keeps a control plane with the operator running
  - bin/kriptik apply -f goal.yaml     hands it your goal; then plan, approve, watch
`;

/** Starts the embedded control plane with the operator and waits until it says that it is ready. */
async function up(): Promise<void> {
  let output = '';
  const ready = Promise.withResolvers<void>();
  const args = ['up', '--data-dir', join(directory, 'cluster'), '--work-dir', join(directory, 'work'), '--rate', RATE];
  const child = terminal.start([...args, '--kubeconfig-out', kubeconfig], (text) => {
    output += text;
    process.stdout.write(indent(text));
    if (/^\s*Ctrl-C /m.test(output)) ready.resolve();
  });
  child.once('exit', (code) => ready.reject(new StepFailed(`kriptik up ended with exit code ${code}`)));
  const timer = setTimeout(() => ready.reject(new StepFailed('kriptik up was not ready in time')), UP_TIMEOUT_MS);
  await ready.promise.finally(() => clearTimeout(timer));
}

async function raise(goalFile: string): Promise<void> {
  const before = await readFile(goalFile, 'utf8');
  const after = before.replace(/^(\s+limit: )"[^"]+"$/m, `$1"${RAISED_LIMIT}"`);
  await writeFile(goalFile, after);
  const changed = after.split('\n').filter((line, at) => line !== before.split('\n')[at]);
  process.stdout.write(changed.map((line) => `  + ${line.trim()}\n`).join(''));
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    process.stderr.write('\nStopping everything the demo started ...\n');
    void terminal.stop().then(() => process.exit(130));
  });
}

try {
  await demo();
} catch (error) {
  if (!interrupted) {
    process.stderr.write(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
} finally {
  if (!interrupted) await terminal.stop();
}
