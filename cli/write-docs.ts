import { writeFileSync } from 'node:fs';
import { cliDocs } from './docs.ts';

writeFileSync(new URL('../docs/cli.md', import.meta.url), await cliDocs());
