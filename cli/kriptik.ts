#!/usr/bin/env node
import { processHost } from './host.ts';
import { run } from './run.ts';

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second Ctrl-C does not wait for the clean-up of the first.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort(new DOMException('interrupted', 'AbortError'));
  });
}
// Output into a pipe that was closed early (such as "| head") is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
// Nobody reads the messages any more: the exit code still tells how it ended.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await run(process.argv.slice(2), processHost(interrupt.signal));
