// An operator for tests to kill: launches one attempt, says so, and stays.
//   node operator-process.ts <LocalOptions as JSON> <LaunchRequest as JSON>
import type { LaunchRequest } from '../../backend.ts';
import { createLocalBackend } from '../index.ts';
import type { LocalOptions } from '../options.ts';

const [, , options = '', request = ''] = process.argv;
const backend = createLocalBackend(JSON.parse(options) as LocalOptions);
const instance = await backend.launch(JSON.parse(request) as LaunchRequest);
process.stdout.write(`${JSON.stringify(instance)}\n`);
setInterval(() => undefined, 60_000);
