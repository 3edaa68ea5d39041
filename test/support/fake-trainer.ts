// A stand-in for `python -m kriptik_trainer` that follows the same protocol, store layout, deadline and exit codes
// without training anything, so that tests of what surrounds a trainer take seconds:
//   node fake-trainer.ts [--step-ms 20] [--later-step-ms 20] [--checkpoint-ms 20] [--total-steps 30] [--silent] [--deaf] [--escape]
//                        [--hold-at 30] [--hold-while FILE] [--allocate-mib 512] [--fail-at 5] [--diverge-above 0.001] [--bucket-dir FOLDER] (run --spec spec.json | version)
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { runFakeTrainer } from '@kriptik/operator/trainer/testing/fake-trainer.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    spec: { type: 'string' },
    'step-ms': { type: 'string', default: '20' },
    // Of attempts after the first.
    'later-step-ms': { type: 'string' },
    'checkpoint-ms': { type: 'string', default: '20' },
    'total-steps': { type: 'string', default: '30' },
    // Of the first attempt.
    'hold-at': { type: 'string' },
    'hold-while': { type: 'string' },
    'fail-at': { type: 'string' },
    'diverge-above': { type: 'string' },
    'allocate-mib': { type: 'string' },
    // Where the objects of the bucket of an s3:// store lie.
    'bucket-dir': { type: 'string' },
    silent: { type: 'boolean', default: false },
    deaf: { type: 'boolean', default: false },
    escape: { type: 'boolean', default: false },
  },
});

const log = (line: string): boolean => process.stdout.write(`${line}\n`);

if (positionals[0] === 'version') {
  log('fake');
} else {
  if (values.spec === undefined) throw new Error('usage: fake-trainer.ts run --spec <file>');
  if (values.escape) {
    // Own session and group, parent gone, environment emptied: nothing but its ancestry tells whose it is.
    const script = 'sleep 600 & exit 0';
    spawn('sh', ['-c', script], { detached: true, stdio: 'ignore', env: {} }).unref();
    spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref();
  }
  // Touched page by page, or the system would not hand it out.
  const held = values['allocate-mib'] === undefined ? undefined : Buffer.alloc(Number(values['allocate-mib']) << 20, 1);
  const failAt = values['fail-at'];
  const divergeAbove = values['diverge-above'];
  const bucketDir = values['bucket-dir'];
  const first = values.spec.endsWith('-1/spec.json');
  const later = first ? undefined : values['later-step-ms'];
  const holdAt = first ? values['hold-at'] : undefined;
  const holdWhile = values['hold-while'];
  process.exitCode = await runFakeTrainer(values.spec, {
    stepMs: Number(later ?? values['step-ms']),
    checkpointMs: Number(values['checkpoint-ms']),
    totalSteps: Number(values['total-steps']),
    silent: values.silent,
    deaf: values.deaf,
    ...(holdAt === undefined ? {} : { holdAt: Number(holdAt) }),
    ...(holdWhile === undefined ? {} : { holdWhile }),
    ...(failAt === undefined ? {} : { failAt: Number(failAt) }),
    ...(bucketDir === undefined ? {} : { bucketDir }),
    ...(divergeAbove === undefined ? {} : { divergeAbove: Number(divergeAbove) }),
    log,
  });
  if (held !== undefined) log(`held ${held.length} bytes`);
}
